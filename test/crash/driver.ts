/** The driver of a crash test: clients that register, run and cancel executions all the time, and keep what they are told. */
import { randomUUID } from "node:crypto";
import { setTimeout as passed } from "node:timers/promises";
import type { CallOptions } from "@connectrpc/connect";
import { type Cancellation, CancellationOutcome, StopProof, Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { QueueItemState } from "../../gen/belay/v1/execution_pb.ts";
import { kindOf } from "../../src/client/execution_ref.ts";
import type { ExecutionOptions, KindName } from "../../src/client/index.ts";
import { isWorthRetrying, refusalOf } from "../../src/client/refusal.ts";
import { type Clients, clientsOver } from "../e2e/clients.ts";
import { newId, WORKFLOW_ID } from "../e2e/work.ts";
import type { Random } from "../fuzz/random.ts";
import { anyOf, type ManyTransport } from "./any_of.ts";
import type { Crew } from "./crew.ts";
import { isRunning } from "./live_process.ts";
import { newTold, type Said, type Told } from "./told.ts";
import type { Temper } from "./worker_program.ts";

const KIND_NAMES: readonly KindName[] = [
  "process_instance",
  "process",
  "workflow_instance",
  "assessment",
  "workflow_run",
];
const STRATEGIES = [Strategy.SOFT, Strategy.SOFT_THEN_FORCE, Strategy.HARD] as const;
const TEMPERS: readonly Temper[] = ["obedient", "slow", "stubborn"];

/** Seconds: the shortest that outlives a restart of the server. */
const LEASE = 2;

/** How long one attempt may take. */
const ATTEMPT = 4_000;

/** When a client gives up: nothing may take that long. */
const PATIENCE = 120_000;

export class Driver {
  readonly told: Told[] = [];
  /** What was told that can't be. */
  readonly findings: string[] = [];
  readonly #crew: Crew;
  readonly #random: Random;
  readonly #transport: ManyTransport;
  readonly #clients: Clients;
  #isEnding = false;

  constructor(urls: readonly string[], crew: Crew, random: Random) {
    this.#crew = crew;
    this.#random = random;
    this.#transport = anyOf(urls, 0);
    this.#clients = clientsOver(this.#transport);
  }

  /** Plays scenes, `width` at a time, until it is told to `end`. */
  async play(width: number): Promise<void> {
    await Promise.all(
      Array.from({ length: width }, async () => {
        while (!this.#isEnding) await this.#scene();
      }),
    );
  }

  end(): void {
    this.#isEnding = true;
  }

  close(): void {
    this.#transport.close();
  }

  /** Cancels what would run for ever, and waits for the ends: of all work, and of every cancellation. */
  async settle(within: number): Promise<void> {
    const endless = this.told.filter(({ end, isBoundToEnd }) => end === null && !isBoundToEnd);
    await Promise.all(endless.map((told) => this.#cancel(told, Strategy.HARD, 0)));
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), within);
    await Promise.all(this.told.map((told) => Promise.race([told.settled.promise, aborted(late.signal)])));
    await Promise.all(this.told.map((told) => this.#untilEnded(told, late.signal)));
    clearTimeout(timer);
  }

  /** Sends every cancel that was answered again, under its id: the answer has to be the same. */
  async repeatCancels(): Promise<void> {
    for (const told of this.told) {
      await Promise.all(
        told.cancels
          .filter(({ said }) => said[0]?.type === "answered")
          .map(async (cancel) => cancel.said.push(await cancel.send())),
      );
    }
  }

  #scene(): Promise<void> {
    const chosen = this.#random.int(10);
    if (chosen < 6) return this.#cancelWork();
    if (chosen < 8) return this.#race();
    return chosen < 9 ? this.#family() : this.#cancelWaiting();
  }

  /** Work that runs until it is stopped. */
  async #cancelWork(): Promise<void> {
    const random = this.#random;
    const kind = random.pick(KIND_NAMES);
    const strategy = random.pick(STRATEGIES);
    // Whoever cancels a process instance waits for its end, which work that does not obey would put off for ever.
    const isPatient = kind === "process_instance" && strategy === Strategy.SOFT;
    const temper = isPatient ? random.pick(["obedient", "slow"] as const) : random.pick(TEMPERS);
    const listeners = random.chance(0.2) ? ["clean-up"] : [];
    const told = this.#run({ kind, temper, endsAfter: null, listeners });
    await told.started.promise;
    await passed(random.int(200));
    told.isBoundToEnd = temper !== "stubborn";
    const cancels = [this.#cancel(told, strategy, random.int(2))];
    if (random.chance(0.3)) cancels.push(this.#cancel(told, random.pick(STRATEGIES), random.int(2)));
    if (random.chance(0.3)) cancels.push(this.#repeat(told));
    await Promise.all(cancels);
    await Promise.race([told.settled.promise, passed(1_000)]);
  }

  /** Work that ends by itself about when it is cancelled. */
  async #race(): Promise<void> {
    const random = this.#random;
    const told = this.#run({
      kind: random.pick(KIND_NAMES),
      temper: "obedient",
      endsAfter: random.int(150),
      listeners: [],
    });
    await told.started.promise;
    await passed(random.int(150));
    if (random.chance(0.7)) await this.#cancel(told, random.pick(STRATEGIES), 1);
    await Promise.race([told.settled.promise, passed(1_000)]);
  }

  /** A parent and its children, stopped by the cancel of the root. */
  async #family(): Promise<void> {
    const random = this.#random;
    const kind = random.pick(["process_instance", "process"] as const);
    const parent = this.#run({ kind, temper: "obedient", endsAfter: null, listeners: [] });
    await parent.started.promise;
    const children = [0, 1].map(() =>
      this.#run({ kind, temper: random.pick(TEMPERS), endsAfter: null, listeners: [], parent }),
    );
    if (random.chance(0.7)) await Promise.all(children.map(({ started }) => started.promise));
    await this.#cancel(parent, random.pick([Strategy.SOFT_THEN_FORCE, Strategy.HARD]), 1);
    for (const child of children) child.isBoundToEnd = parent.isBoundToEnd;
  }

  /** Work that nobody runs yet. */
  async #cancelWaiting(): Promise<void> {
    const told = newTold("process", newId(kindOf("process")), null);
    const headers = { "idempotency-key": randomUUID() };
    const queueItems = [
      { id: "first", state: QueueItemState.EXECUTING },
      { id: "second", state: QueueItemState.PENDING },
    ];
    await persist((options) =>
      this.#clients.executions.registerExecution(
        { kind: kindOf("process"), id: told.id, queueItems },
        { ...options, headers },
      ),
    );
    this.told.push(told);
    await this.#cancel(told, this.#random.pick(STRATEGIES), 1);
    told.settled.resolve();
  }

  #run(work: {
    readonly kind: KindName;
    readonly temper: Temper;
    readonly endsAfter: number | null;
    readonly listeners: readonly string[];
    readonly parent?: Told;
  }): Told {
    const { kind, temper, endsAfter, listeners, parent } = work;
    const id = newId(kindOf(kind));
    const execution = {
      ...particularsOf(kind),
      id,
      listeners,
      leaseSeconds: LEASE,
      startTimeoutSeconds: 20,
      ...(parent !== undefined && { parent: { kind: parent.kind, id: parent.id } }),
    };
    const told = this.#crew.run({ execution, temper, endsAfter });
    this.told.push(told);
    return told;
  }

  async #cancel(told: Told, strategy: Strategy, forceAfterSeconds: number): Promise<void> {
    const commandId = randomUUID();
    const request = { commandId, strategy, forceAfterSeconds, reason: "crash test", requestedBy: { system: "driver" } };
    const send = () => this.#sayOf(told, (options) => callCancel(this.#clients, told, request, options));
    const cancel = { commandId, send, said: [] as Said[] };
    told.cancels.push(cancel);
    const said = await send();
    cancel.said.push(said);
    if (said.type === "answered" && strategy !== Strategy.SOFT) told.isBoundToEnd = true;
  }

  /** Two callers with one command, at the same time. */
  async #repeat(told: Told): Promise<void> {
    const cancel = told.cancels.at(-1);
    if (cancel !== undefined) cancel.said.push(await cancel.send());
  }

  async #sayOf(told: Told, call: (options: CallOptions) => Promise<CancelResponse>): Promise<Said> {
    const ranBefore = told.pid;
    try {
      const answer = await persist(call);
      this.#checkStopped(told, ranBefore, answer.cancellation);
      const text = JSON.stringify(answer, (_name, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      );
      return { type: "answered", text, cancellation: answer.cancellation };
    } catch (error) {
      const { reason } = refusalOf(error);
      if (reason === "") this.findings.push(`${told.id}: a cancel failed: ${String(error)}`);
      return { type: "refused", reason };
    }
  }

  /** Whoever is told that the work has stopped may count on it at once. */
  #checkStopped({ id }: Told, pid: number | null, cancellation: Cancellation | undefined): void {
    const { outcome, stopProof } = cancellation ?? {};
    const isProven = stopProof === StopProof.CONFIRMED || stopProof === StopProof.NONE;
    if (outcome !== CancellationOutcome.CANCELLED || !isProven || pid === null) return;
    if (isRunning(pid)) this.findings.push(`${id} was told to have stopped (proof ${stopProof}), and runs as ${pid}`);
  }

  async #untilEnded(told: Told, late: AbortSignal): Promise<void> {
    const ids = told.cancels.flatMap(({ said }) =>
      said.flatMap((one) => (one.type === "answered" ? (one.cancellation?.id ?? []) : [])),
    );
    for (const cancellationId of new Set(ids)) {
      while (!late.aborted) {
        try {
          for await (const _event of this.#clients.cancellations.watchCancellation(
            { cancellationId },
            { signal: late },
          )) {
            // The stream ends with the cancellation.
          }
          break;
        } catch (error) {
          if (!late.aborted && !isWorthRetrying(error)) throw error;
          await passed(50);
        }
      }
    }
  }
}

interface CancelResponse {
  readonly cancellation?: Cancellation | undefined;
}

interface CancelRequest {
  readonly commandId: string;
  readonly strategy: Strategy;
  readonly forceAfterSeconds: number;
  readonly reason: string;
  readonly requestedBy: { readonly system: string };
}

function callCancel(
  { cancellations }: Clients,
  { kind, id }: Told,
  request: CancelRequest,
  options: CallOptions,
): Promise<CancelResponse> {
  switch (kind) {
    case "process_instance":
      return cancellations.cancelProcessInstance({ ...request, processInstanceKey: id }, options);
    case "process":
      return cancellations.cancelProcess({ ...request, processId: id }, options);
    case "workflow_instance":
      return cancellations.cancelWorkflowInstance({ ...request, workflowId: WORKFLOW_ID, instanceId: id }, options);
    case "assessment":
      return cancellations.cancelAssessmentWorkflow({ ...request, assessmentId: id }, options);
    case "workflow_run":
      return cancellations.cancelWorkflowRun({ ...request, runId: id }, options);
  }
}

function particularsOf(kind: KindName): ExecutionOptions {
  return kind === "workflow_instance" ? { kind, detail: { workflowId: WORKFLOW_ID } } : { kind };
}

/** Asks until there is an answer. */
async function persist<T>(call: (options: CallOptions) => Promise<T>): Promise<T> {
  const since = Date.now();
  for (;;) {
    try {
      return await call({ timeoutMs: ATTEMPT });
    } catch (error) {
      if (!isWorthRetrying(error)) throw error;
      if (Date.now() - since > PATIENCE) throw new Error("never answered", { cause: error });
    }
    await passed(20 + Math.random() * 80);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
