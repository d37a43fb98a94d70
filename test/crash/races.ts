/** Races: many clients at the same few executions at the same time, on one or several replicas, and what each of them saw. */
import { STRATEGIES } from "../../src/domain/cancellation.ts";
import { Refused } from "../../src/domain/refusal.ts";
import type { RunningService } from "../../src/service/create_service.ts";
import type { Store } from "../../src/store/store.ts";
import { type Random, randomOf } from "../fuzz/random.ts";
import { cancelOf, FOREVER, keyOfKind, registration, TENANT } from "../service/world.ts";
import type { Answer, Asked, Call, History } from "./history.ts";

/** A service over the store, and that store, one a replica. */
export interface Replica {
  readonly service: RunningService;
  readonly store: Store;
}

export interface Races {
  readonly seed: number;
  readonly episodes: number;
  /** Episodes under way at a time. */
  readonly width: number;
}

const CLIENTS = 6;
const CALLS_EACH = 5;
const WORKERS = ["w-1", "w-2"] as const;

/** Short enough to end within an episode. */
const LEASE = 40;

const COMMAND_ID = "the-same";

/** Plays all episodes. The services are stopped before the histories are read, so that nothing happens after their ends. */
export async function playRaces(replicas: readonly Replica[], { seed, episodes, width }: Races): Promise<History[]> {
  const calls: Call[][] = Array.from({ length: episodes }, () => []);
  let next = 0;
  const player = async (): Promise<void> => {
    while (next < episodes) {
      const episode = next;
      next += 1;
      calls[episode] = await playEpisode(replicas, randomOf(seed, episode), `race-${seed}-${episode}`);
    }
  };
  const stopped = new AbortController();
  const workers = replicas.map(({ service }, index) => stayAttached(service, `w-${index + 1}`, stopped.signal));
  await Promise.all(Array.from({ length: width }, player));
  stopped.abort();
  await Promise.all(workers);
  await Promise.all(replicas.map(({ service }) => service.stop()));
  const { store } = replicas[0]!;
  return await Promise.all(
    calls.map(async (seen, episode) => {
      const key = keyOfKind("process", `race-${seed}-${episode}`);
      const filter = { key, cancellationId: null, afterSequence: 0, upToSequence: null, limit: 1_000 };
      return { key, calls: seen, events: await store.listEvents(filter), final: await store.findExecution(key) };
    }),
  );
}

/** Takes the orders of a worker, so that they are delivered, and leaves the obeying to the clients. */
async function stayAttached(service: RunningService, workerId: string, signal: AbortSignal): Promise<void> {
  for await (const _message of service.attach(TENANT, workerId, signal)) {
    // Being attached is enough.
  }
}

/** What the clients of an episode know together: the tokens that were handed out. */
type Tokens = number[];

async function playEpisode(replicas: readonly Replica[], random: Random, id: string): Promise<Call[]> {
  const tokens: Tokens = [0];
  const calls: Call[] = [];
  const client = async (name: string): Promise<void> => {
    for (let count = 0; count < CALLS_EACH; count += 1) {
      const replica = random.pick(replicas);
      const pause = random.chance(0.5) ? 0 : random.int(12);
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      calls.push(await call(replica, name, random, id, tokens));
    }
  };
  // Most begin with an execution that is there.
  if (random.chance(0.8)) calls.push(await sendAndTime(replicas[0]!, "first", id, register("w-1"), tokens));
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(`client-${index}`)));
  return calls;
}

function call(replica: Replica, client: string, random: Random, id: string, tokens: Tokens): Promise<Call> {
  const asked = anyAsked(random, tokens);
  const commandId = asked.type === "cancel" && random.chance(0.3) ? COMMAND_ID : undefined;
  // A command that is repeated is the same in every word.
  const same: Asked = commandId === undefined ? asked : { ...CANCEL, strategy: "soft_then_force", forceAfter: 15 };
  return sendAndTime(replica, client, id, same, tokens, commandId);
}

const CANCEL = {
  type: "cancel",
  cancellationId: "",
  forceAfter: 15,
  reason: "because",
  requestedBy: null,
  parentCancellationId: null,
  operationReference: null,
} as const;

function register(workerId: string): Asked {
  const { spec, queueItems } = registration(keyOfKind("process", ""), null);
  return { type: "register", spec, queueItems, claim: { workerId, leaseDuration: LEASE } };
}

function anyAsked(random: Random, tokens: Tokens): Asked {
  const token = random.chance(0.8) ? (tokens.at(-1) ?? 0) : random.pick(tokens);
  switch (random.int(12)) {
    case 0:
      return register(random.pick(WORKERS));
    case 1:
      return { type: "start", claim: { workerId: random.pick(WORKERS), leaseDuration: LEASE } };
    case 2:
      return { type: "complete", token, result: { by: random.int(1_000) }, outcomeId: null };
    case 3:
      return { type: "fail", token, error: { type: "E", message: "m", step: "", details: {} } };
    case 4:
    case 5:
    case 6:
      return { ...CANCEL, strategy: random.pick(STRATEGIES), forceAfter: random.pick([0, 5, 20]) };
    case 7:
      return { type: "report_stopped", token, evidence: "gone" };
    case 8:
      return { type: "get" };
    default:
      return { type: "heartbeat", token };
  }
}

async function sendAndTime(
  { service }: Replica,
  client: string,
  id: string,
  asked: Asked,
  tokens: Tokens,
  commandId?: string,
): Promise<Call> {
  // The database runs on this machine, by the same clock.
  const invoked = Date.now();
  let answer: Answer;
  try {
    answer = await send(service, id, asked, commandId);
    const token = answer.type === "accepted" ? answer.execution.lease?.token : undefined;
    if (token !== undefined && !tokens.includes(token)) tokens.push(token);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    answer = { type: "refused", reason: error.refusal.reason };
  }
  return { client, asked, invoked, returned: Date.now(), answer, ...(commandId !== undefined && { commandId }) };
}

async function send(service: RunningService, id: string, asked: Asked, commandId?: string): Promise<Answer> {
  const key = keyOfKind("process", id);
  switch (asked.type) {
    case "register": {
      const { spec, queueItems, claim } = asked;
      return accepted(await service.register({ ...key, spec, queueItems, claim }));
    }
    case "start":
      return accepted(await service.start(key, asked.claim));
    case "complete":
      return accepted(await service.complete(key, asked.token, asked.result, asked.outcomeId));
    case "fail":
      return accepted(await service.fail(key, asked.token, asked.error));
    case "report_stopped":
      return accepted(await service.reportStopped(key, asked.token, asked.evidence));
    case "get":
      return accepted(await service.getExecution(key));
    case "heartbeat": {
      const [answer] = await service.heartbeat([{ key, token: asked.token }]);
      return { type: "signal", signal: answer!.signal };
    }
    case "cancel": {
      const { strategy, forceAfter, reason } = asked;
      const idempotency =
        commandId === undefined
          ? null
          : { principal: "tester", method: "CancelProcess", commandId, fingerprint: "the same" };
      const request = cancelOf(key, { strategy, forceAfter, reason, idempotency });
      const { execution, disposition } = await service.cancel(request, FOREVER);
      return { type: "accepted", execution, disposition };
    }
    default:
      throw new Error(`no client asks for ${asked.type}`);
  }
}

function accepted(execution: Extract<Answer, { type: "accepted" }>["execution"]): Answer {
  return { type: "accepted", execution };
}
