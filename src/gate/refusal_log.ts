/** Writes refusals that came before the store into the audit log: in batches, and in a burst of the same one event for all. */
import type { Millis } from "../domain/time.ts";
import type { AuditEntry, AuditLog } from "../store/audit.ts";

export type { AuditEntry } from "../store/audit.ts";

export interface RefusalLogOptions {
  readonly log: Pick<AuditLog, "append">;
  readonly now: () => Millis;
  /** Told when refusals can't be written. */
  readonly onFault: (error: unknown) => void;
}

/** How many different refusals may wait. A flood of made-up ids is counted as one when it brings more. */
const MAX_DIFFERENT = 1_000;

const LATER: Millis = 1_000;

export class RefusalLog {
  readonly #options: RefusalLogOptions;
  /** What waits to be written, by what makes it one event. */
  #waiting = new Map<string, AuditEntry>();
  /** The write that will take what waits. */
  #next: Promise<void> | null = null;
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RefusalLogOptions) {
    this.#options = options;
  }

  /** Resolves once it is durable, or can't be made so: a refusal stays one, whether or not it can be written down. */
  add(entry: AuditEntry): Promise<void> {
    this.#gather(entry);
    this.#next ??= this.#writeSoon();
    return this.#next;
  }

  /** For refusals that are to cost nothing: they are written with the next ones, or within a second. */
  addLater(entry: AuditEntry): void {
    this.#gather(entry);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#next ??= this.#writeSoon();
    }, LATER);
  }

  /** Resolves when all that was added is written. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#next ??= this.#writeSoon();
    await this.#next;
    await Promise.all(this.#underWay);
  }

  #gather(entry: AuditEntry): void {
    const whole = markOf(entry);
    const isKnown = this.#waiting.has(whole);
    const kept = isKnown || this.#waiting.size < MAX_DIFFERENT ? entry : anyOf(entry);
    const mark = markOf(kept);
    this.#waiting.set(mark, { ...kept, count: (this.#waiting.get(mark)?.count ?? 0) + 1 });
  }

  /** Lets those that were refused together get into one transaction. */
  async #writeSoon(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const entries = [...this.#waiting.values()];
    this.#waiting = new Map();
    // Who adds from here on waits for the next transaction.
    this.#next = null;
    const writing = this.#write(entries);
    this.#underWay.add(writing);
    await writing;
    this.#underWay.delete(writing);
  }

  async #write(entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    try {
      await this.#options.log.append(entries, this.#options.now());
    } catch (error) {
      this.#options.onFault(error);
    }
  }
}

function markOf({ requestId: _, count: __, ...same }: AuditEntry): string {
  return JSON.stringify(same);
}

/** Without what callers make up. */
function anyOf(entry: AuditEntry): AuditEntry {
  return { ...entry, requestedBy: "", execution: null, reason: "", message: entry.outcome, cancellationId: "" };
}
