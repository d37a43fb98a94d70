/** Counts what became of calls, sort by sort. */
import { setTimeout as passed } from "node:timers/promises";
import { latencyOf } from "./latency_of.ts";
import { CALL_CLASSES, type CallClass, type ClassResult, type OverloadResult } from "./order.ts";

/** What became of a call. It was shed if the server refused it as overloaded. */
export type Fate = "succeeded" | "shed" | { readonly failed: string };

interface Answer {
  /** When it should have been sent, from the start on, in milliseconds. */
  readonly at: number;
  readonly latency: number;
  readonly fate: Fate;
}

interface Counted {
  offered: number;
  readonly answers: Answer[];
}

export class ClassTally {
  readonly #seconds: number;
  readonly #counted: Readonly<Record<CallClass, Counted>> = {
    cancel: { offered: 0, answers: [] },
    report: { offered: 0, answers: [] },
    register: { offered: 0, answers: [] },
    get: { offered: 0, answers: [] },
    list: { offered: 0, answers: [] },
  };
  readonly #late: number[] = [];
  #open = 0;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  send(sort: CallClass, late: number): void {
    this.#counted[sort].offered += 1;
    this.#late.push(late);
    this.#open += 1;
  }

  answer(sort: CallClass, at: number, latency: number, fate: Fate): void {
    this.#counted[sort].answers.push({ at, latency, fate });
    this.#open -= 1;
  }

  /** Resolves when no answer is missing, or `patience` (milliseconds) is over. */
  async allAnswered(patience: number): Promise<void> {
    const until = performance.now() + patience;
    while (this.#open > 0 && performance.now() < until) await passed(50);
  }

  result(patience: number): Omit<OverloadResult, "loadCpu"> {
    const resultOf = (sort: CallClass): ClassResult => this.#resultOf(this.#counted[sort], patience);
    return {
      classes: {
        cancel: resultOf("cancel"),
        report: resultOf("report"),
        register: resultOf("register"),
        get: resultOf("get"),
        list: resultOf("list"),
      },
      sentLate: latencyOf(this.#late),
      sent: CALL_CLASSES.reduce((sum, sort) => sum + this.#counted[sort].offered, 0),
    };
  }

  #resultOf({ offered, answers }: Counted, patience: number): ClassResult {
    const inTime = answers.filter(({ latency }) => latency <= patience);
    const succeeded = inTime.filter(({ fate }) => fate === "succeeded");
    const shed = inTime.filter(({ fate }) => fate === "shed");
    const failed: Record<string, number> = {};
    for (const { fate } of inTime) {
      if (typeof fate === "object") failed[fate.failed] = (failed[fate.failed] ?? 0) + 1;
    }
    if (offered > inTime.length) failed["late"] = offered - inTime.length;
    return {
      offered,
      succeeded: succeeded.length,
      shed: shed.length,
      failed,
      latency: latencyOf(succeeded.map(({ latency }) => latency)),
      shedLatency: latencyOf(shed.map(({ latency }) => latency)),
      bySecond: Array.from({ length: Math.ceil(this.#seconds) }, (_, second) =>
        latencyOf(succeeded.filter(({ at }) => Math.floor(at / 1000) === second).map(({ latency }) => latency)),
      ),
    };
  }
}
