/** The pulse of the database: whether it answers, asked on a connection of its own, so that a busy pool is not taken for a dead database. */
import pg from "pg";
import { Refused, refusal } from "../../domain/refusal.ts";
import type { Millis } from "../../domain/time.ts";

/** How long it may take to say as little as this. Callers wait no longer for a database that has gone silent. */
const PATIENCE: Millis = 3_000;

class Silence extends Error {
  override readonly name = "Silence";
}

export interface PulseOptions {
  /** Of one connection. */
  readonly pool: pg.Pool;
  /** Breaks all connections. Whoever waits on one that has gone silent would wait for long. */
  readonly breakConnections: (reason: Error) => void;
}

export class Pulse {
  readonly #options: PulseOptions;
  #absence: Refused | null = null;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** Why no call can reach the database now; null while it answers, whatever it says. */
  get absence(): Refused | null {
    return this.#absence;
  }

  /** Resolves if the database answers, and can be written. */
  async feel(): Promise<void> {
    if (await this.#isReadOnly()) {
      const message =
        "the database takes no changes: it is read-only, as a standby is; give the address of the primary";
      throw new Refused(refusal("store_unavailable", message, { cause: "25006" }));
    }
  }

  async #isReadOnly(): Promise<boolean> {
    try {
      const isReadOnly = await this.#ask();
      this.#absence = null;
      return isReadOnly;
    } catch (error) {
      this.#absence = error instanceof pg.DatabaseError ? null : absent(error);
      if (error instanceof Silence) this.#options.breakConnections(error);
      throw this.#absence ?? error;
    }
  }

  async #ask(): Promise<boolean> {
    const silence = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      // Where this process itself was held up, the answer may be here already: it is read before the second one of these.
      setImmediate(() => setImmediate(() => silence.reject(new Silence("the database does not answer"))));
    }, PATIENCE);
    try {
      const asked = this.#options.pool.query<{ readonly transaction_read_only: string }>("show transaction_read_only");
      const { rows } = await Promise.race([asked, silence.promise]);
      return rows[0]?.transaction_read_only === "on";
    } finally {
      clearTimeout(timer);
    }
  }
}

function absent(error: unknown): Refused {
  const message = "the store can't be reached; nothing was changed";
  return new Refused(refusal("store_unavailable", message, { cause: "connection lost" }), { cause: error });
}
