/** What an inspection looked at, and what does not fit. */

export interface Finding {
  /** For example "process p-1 of tenant default". */
  readonly where: string;
  /** What does not fit there. */
  readonly what: string;
}

/** One sort of thing that was looked at. */
export interface Check {
  readonly name: string;
  /** What holds if nothing was found. */
  readonly promise: string;
  /** How many things were looked at. */
  readonly looked: number;
  /** The first of them, `MOST_FINDINGS` at most. */
  readonly findings: readonly Finding[];
  readonly found: number;
}

/** More say no more about the cause. */
export const MOST_FINDINGS = 100;

/** A check in the making. */
export class Tally {
  readonly #name: string;
  readonly #promise: string;
  readonly #findings: Finding[] = [];
  #looked = 0;
  #found = 0;

  constructor(name: string, promise: string) {
    this.#name = name;
    this.#promise = promise;
  }

  /** So many more were looked at. */
  look(count = 1): void {
    this.#looked += count;
  }

  find(where: string, what: string): void {
    this.#found += 1;
    if (this.#findings.length < MOST_FINDINGS) this.#findings.push({ where, what });
  }

  get check(): Check {
    return {
      name: this.#name,
      promise: this.#promise,
      looked: this.#looked,
      findings: this.#findings,
      found: this.#found,
    };
  }
}
