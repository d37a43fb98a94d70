/** What the load process of the overload benchmark is told to do, and what it measured. Both cross a process boundary as JSON. */

/** The sorts of calls, the most important first. */
export const CALL_CLASSES = ["cancel", "report", "register", "get", "list"] as const;
export type CallClass = (typeof CALL_CLASSES)[number];

/** How many of a hundred calls are of each sort. */
export const MIX: Readonly<Record<CallClass, number>> = { cancel: 20, report: 5, register: 5, get: 20, list: 50 };

export interface OverloadOrder {
  readonly url: string;
  /** Calls a second: they are sent whether or not the ones before are answered. */
  readonly rate: number;
  readonly seconds: number;
  readonly connections: number;
  /** The number of the first of the running executions to cancel, each once. */
  readonly firstCancel: number;
  /** The number from which executions are registered. */
  readonly firstRegister: number;
  /** The numbers of the running executions that are shown, and whose leases are kept alive. */
  readonly firstShown: number;
  readonly shown: number;
}

/** In milliseconds, from when a call should have been sent until its answer was read. Null if there is none. */
export interface Latency {
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface ClassResult {
  readonly offered: number;
  readonly succeeded: number;
  /** Refused with OVERLOADED. */
  readonly shed: number;
  /** Refused with anything else, or not answered in time, by what came of them. */
  readonly failed: Readonly<Record<string, number>>;
  /** Of those that succeeded. */
  readonly latency: Latency;
  /** Of those that were shed. */
  readonly shedLatency: Latency;
  /** Of those that succeeded, by the second in which they should have been sent. */
  readonly bySecond: readonly Latency[];
}

export interface OverloadResult {
  readonly classes: Readonly<Record<CallClass, ClassResult>>;
  /** The processor time that the load process took for each second. Near 1, it is the load that is measured. */
  readonly loadCpu: number;
  /** How late the calls were sent, in milliseconds. It is part of their latency. */
  readonly sentLate: Latency;
  readonly sent: number;
}
