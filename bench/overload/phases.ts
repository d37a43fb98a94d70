/** Phases of load: what is offered at which rate for how long, and what became of it. */

import type { Concurrency } from "../load/concurrency.ts";
import { startLoadProcess } from "../load/process.ts";
import type { BelayServer } from "../servers/belay.ts";
import { startHealthProbe } from "./health_probe.ts";
import { startOverloadProcess } from "./load_process.ts";
import { type Latency, MIX, type OverloadResult } from "./order.ts";
import { type Memory, sampleMemory } from "./server_memory.ts";

interface PlannedPhase {
  readonly name: string;
  /** Calls a second. */
  readonly rate: number;
  readonly seconds: number;
}

export interface Phase extends PlannedPhase {
  readonly result: OverloadResult;
  readonly memory: Memory;
  /** How long a health check took: it is never refused and costs nothing, so it tells how long the event loop was busy. */
  readonly health: Latency;
}

export interface PhaseRunner {
  /** Registers a running execution. */
  register(number: number): Promise<void>;
  /** Runs the phases one right after the other. */
  run(planned: readonly PlannedPhase[]): Promise<Phase[]>;
  close(): void;
}

/** Numbers of executions, far enough apart never to meet. */
const FIRST_SHOWN = 0;
const SHOWN = 2_000;
const FIRST_CANCEL = 1e10;
const FIRST_REGISTER = 1e11;

/** More than the cancels differ by chance from their share of the mix. */
const HEADROOM = 1.2;
const SPARE_CANCELS = 100;

const CONNECTIONS = 16;

/** How executions are registered before the phases: without overloading the server. */
const UNHURRIED: Concurrency = { connections: 4, streams: 8 };

export async function startPhases({ url, pid }: BelayServer, onProgress: (line: string) => void): Promise<PhaseRunner> {
  const supply = startLoadProcess();
  const load = startOverloadProcess();
  const probe = await startHealthProbe(url);
  let cancels = FIRST_CANCEL;
  let registers = FIRST_REGISTER;

  const register = async (first: number, count: number): Promise<void> => {
    await supply.run({ wire: "grpc", url, call: "register_running", first, count, seconds: null, ...UNHURRIED });
  };
  const run = async (phase: PlannedPhase, firstCancel: number): Promise<Phase> => {
    const { name, rate, seconds } = phase;
    onProgress(`${name}: ${Math.round(rate)} calls/s for ${seconds} s`);
    const memory = sampleMemory(pid);
    probe.take();
    const numbers = { firstCancel, firstRegister: registers, firstShown: FIRST_SHOWN, shown: SHOWN };
    const result = await load.run({ url, rate, seconds, connections: CONNECTIONS, ...numbers });
    registers += result.sent;
    return { ...phase, result, memory: memory(), health: probe.take() };
  };

  await register(FIRST_SHOWN, SHOWN);
  return {
    register: (number) => register(number, 1),
    async run(planned) {
      const needed = planned.map(
        ({ rate, seconds }) => Math.ceil((rate * seconds * MIX.cancel * HEADROOM) / 100) + SPARE_CANCELS,
      );
      let next = cancels;
      for (const count of needed) cancels += count;
      await register(next, cancels - next);
      const phases: Phase[] = [];
      for (const [index, phase] of planned.entries()) {
        phases.push(await run(phase, next));
        next += needed[index] ?? 0;
      }
      return phases;
    },
    close() {
      supply.close();
      load.close();
      probe.close();
    },
  };
}
