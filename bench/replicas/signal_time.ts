/** How long it takes from the answer of a cancel on one replica until the work on another is told to stop. */
import { setTimeout as delay } from "node:timers/promises";
import { createBelay } from "../../src/client/index.ts";
import { percentile } from "../statistics.ts";

export interface SignalTime {
  /** In milliseconds, from the request of the cancel until its answer. */
  readonly answer: { readonly p50: number; readonly p99: number };
  /** In milliseconds, from the request of the cancel until the signal. */
  readonly signal: { readonly p50: number; readonly p99: number };
}

/** So that one is over before the next begins. */
const PAUSE = 20;

/** @param from where the cancel is sent, `to` where the worker is attached */
export async function measureSignalTime(from: string, to: string, count: number): Promise<SignalTime> {
  const worker = createBelay({ address: to });
  const answers: number[] = [];
  const signals: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const id = `signal-${to.split(":").at(-1)}-${n}`;
    const started = Promise.withResolvers<void>();
    const told = Promise.withResolvers<number>();
    const run = worker.run({ kind: "process", id }, async (signal) => {
      started.resolve();
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          told.resolve(performance.now());
          reject(signal.reason);
        });
      });
    });
    const over = run.catch(() => undefined);
    await started.promise;
    const asked = performance.now();
    const response = await fetch(`${from}/processes/${id}/cancel`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ reason: "benchmark", requested_by: { system: "benchmark" } }),
    });
    if (!response.ok) throw new Error(`a cancel was answered with ${response.status}: ${await response.text()}`);
    await response.arrayBuffer();
    answers.push(performance.now() - asked);
    signals.push((await told.promise) - asked);
    await over;
    await delay(PAUSE);
  }
  await worker.close();
  return { answer: summaryOf(answers), signal: summaryOf(signals) };
}

function summaryOf(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}
