/** The fuzz run: sends what no client would, through every door, and looks at what becomes of the server. */
import { randomUUID } from "node:crypto";
import { type GoodKey, someCall } from "./calls.ts";
import { framesDoor } from "./frames_door.ts";
import { http1Door, requestBytes } from "./http1_door.ts";
import { http2Door } from "./http2_door.ts";
import type { Measure } from "./measured.ts";
import { finding, type Outcome } from "./outcome.ts";
import { type Random, randomOf } from "./random.ts";
import { type FuzzedServer, startFuzzedServer } from "./server_process.ts";
import { spoil } from "./values.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly inputs: number;
  /** The number of the first input, to replay one of a longer run. */
  readonly from: number;
  /** Told now and then how many inputs are done. */
  readonly onProgress?: (done: number) => void;
}

export interface FuzzReport {
  /** How many inputs had each outcome. */
  readonly counts: Readonly<Record<Outcome["kind"], number>>;
  /** What the server did that it must not, with the number of the input where one is to blame. */
  readonly findings: readonly string[];
  /** What the servers took, warmed up and at the end. */
  readonly measures: readonly { readonly before: Measure; readonly after: Measure }[];
  readonly seconds: number;
}

// As many inputs are under way at once.
const LANES = 40;

// By then every path has been taken, and what is kept for ever is kept.
const WARM_UP = 0.3;

// What a heap may grow by beside what there is more to know of: a run of 100,000 inputs makes some thousand executions and keys.
const GROWTH_ALLOWED = 16 * 1024 * 1024;
const FILES_ALLOWED = 8;

const MAX_FINDINGS = 20;

// So many in a row are answered only by a server that hangs: one in three or four is no call at all.
const SILENCE = 300;

const PROGRESS_STEP = 20_000;

const INPUT_DEADLINE_MS = 10_000;

/** One half of the inputs meets a server that asks for no key, the other half one that does. */
export async function fuzz({ seed, inputs, from, onProgress = () => {} }: FuzzOptions): Promise<FuzzReport> {
  const started = performance.now();
  const counts = { answered: 0, cut: 0, given_up: 0, finding: 0 };
  let done = 0;
  const findings: string[] = [];
  const measures: FuzzReport["measures"][number][] = [];
  const middle = from + Math.ceil(inputs / 2);
  for (const [first, end, key] of [
    [from, middle, null],
    [middle, from + inputs, `belay-fuzz-${randomUUID()}`],
  ] as const) {
    const server = await startFuzzedServer(key);
    try {
      const visit = (begin: number, until: number) =>
        visitAll(server, seed, begin, until, key, (input, outcome) => {
          counts[outcome.kind] += 1;
          done += 1;
          if (done % PROGRESS_STEP === 0) onProgress(done);
          if (outcome.kind !== "finding" || findings.length >= MAX_FINDINGS) return;
          findings.push(`input ${input}: ${outcome.what}; ${describe(randomOf(seed, input), key)}`);
        });
      const warm = first + Math.ceil((end - first) * WARM_UP);
      await visit(first, warm);
      const before = await settled(server);
      await visit(warm, end);
      const after = await settled(server);
      measures.push({ before, after });
      findings.push(...(await faultsOf(server, before, after, key)));
    } catch (error) {
      findings.push(`the run broke off: ${String(error)}`);
    } finally {
      await server.close();
    }
  }
  return { counts, findings, measures, seconds: (performance.now() - started) / 1000 };
}

async function visitAll(
  server: FuzzedServer,
  seed: number,
  begin: number,
  end: number,
  key: GoodKey,
  onOutcome: (input: number, outcome: Outcome) => void,
): Promise<void> {
  let next = begin;
  let unanswered = 0;
  const lane = async (): Promise<void> => {
    const doors = { http1: http1Door(server.port), http2: http2Door(server.url), frames: framesDoor(server.port) };
    while (next < end && server.ended() === null && unanswered < SILENCE) {
      const input = next;
      next += 1;
      const outcome = await inTime(send(randomOf(seed, input), doors, key));
      unanswered = outcome.kind === "answered" ? 0 : unanswered + 1;
      if (unanswered === SILENCE)
        onOutcome(input, finding(`the server has answered none of the last ${SILENCE} inputs`));
      else onOutcome(input, outcome);
    }
    for (const door of Object.values(doors)) door.close();
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Each door gives up long before this. */
async function inTime(outcome: Promise<Outcome>): Promise<Outcome> {
  const { promise: late, resolve } = Promise.withResolvers<Outcome>();
  const timer = setTimeout(resolve, INPUT_DEADLINE_MS, finding("no end of it"));
  const first = await Promise.race([outcome, late]);
  clearTimeout(timer);
  return first;
}

interface Doors {
  readonly http1: ReturnType<typeof http1Door>;
  readonly http2: ReturnType<typeof http2Door>;
  readonly frames: ReturnType<typeof framesDoor>;
}

function doorOf(random: Random): "HTTP/2" | "HTTP/1.1" | "frames" | "bytes" {
  const share = random.int(100);
  if (share < 40) return "HTTP/2";
  if (share < 65) return "HTTP/1.1";
  return share < 90 ? "frames" : "bytes";
}

async function send(random: Random, { http1, http2, frames }: Doors, key: GoodKey): Promise<Outcome> {
  const door = doorOf(random);
  const call = someCall(random, key);
  try {
    switch (door) {
      case "HTTP/2":
        return await http2.ask(call);
      case "HTTP/1.1":
        return await http1.ask(call);
      case "frames":
        return await frames.send(random, call);
      case "bytes":
        return await http1.say(spoil(random, requestBytes(call)));
    }
  } catch (error) {
    return finding(`the client broke: ${String(error)}`);
  }
}

/** Through which door an input came, and what it asked for before chance spoilt it. */
function describe(random: Random, key: GoodKey): string {
  const door = doorOf(random);
  const { method, path, headers, body } = someCall(random, key);
  const text = body.subarray(0, 200).toString("latin1");
  return `${door}: ${method} ${path.slice(0, 200)} ${JSON.stringify(headers)} ${JSON.stringify(text)}`;
}

/** What a server takes when all that it was asked has come to rest. */
async function settled(server: FuzzedServer): Promise<Measure> {
  let last = await server.measure();
  for (let left = 20; left > 0; left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const now = await server.measure();
    // Connections that are given up take a moment to end.
    if (now.files >= last.files && now.heap > last.heap - 100_000) return now;
    last = now;
  }
  return last;
}

async function faultsOf(server: FuzzedServer, before: Measure, after: Measure, key: GoodKey): Promise<string[]> {
  const faults: string[] = [];
  const ended = server.ended();
  if (ended !== null) faults.push(`the server ended: ${ended}`);
  const logged = server.faults();
  if (logged !== "") faults.push(`the server logged faults:\n${logged.slice(0, 4_000)}`);
  const growth = after.heap - before.heap;
  if (growth > GROWTH_ALLOWED) faults.push(`the heap grew by ${growth} bytes, from ${before.heap}`);
  if (after.files > before.files + FILES_ALLOWED) faults.push(`open files: ${before.files}, then ${after.files}`);
  if (ended === null && !(await stillCancels(server.url, key))) faults.push("the server cancels nothing any more");
  return faults;
}

/** Registers a process and cancels it. */
async function stillCancels(url: string, key: GoodKey): Promise<boolean> {
  const id = randomUUID();
  const headers = { "content-type": "application/json", ...(key !== null && { authorization: `Bearer ${key}` }) };
  const call = (path: string, body: object) =>
    fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) }).then((answer) => answer.json());
  await call("/belay.v1.ExecutionService/RegisterExecution", { kind: "KIND_PROCESS", id });
  const answer = await call("/belay.v1.CancellationService/CancelProcess", {
    processId: id,
    reason: "the end of the fuzz run",
    requestedBy: { system: "fuzz" },
  });
  return typeof answer === "object" && answer !== null && "status" in answer;
}
