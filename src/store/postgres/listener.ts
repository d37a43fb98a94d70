/** Listens to the notices of other replicas, on a connection of its own that is opened again whenever it breaks. */
import type { Socket } from "node:net";
import pg from "pg";
import type { Logger } from "pino";
import type { Millis } from "../../domain/time.ts";
import type { Notice } from "../notices.ts";
import { CHANNEL, noticeOf } from "./notices.ts";
import { keptSocket } from "./pool.ts";

/** How long to wait before the next attempt, from the first to the longest. */
const RETRY: Millis = 200;
const LONGEST_RETRY: Millis = 5_000;

/** How long a connection may take to be there. */
const CONNECT_TIMEOUT: Millis = 5_000;

/** So that a server that vanished without a word is found out. */
const KEEP_ALIVE: Millis = 5_000;

export interface NoticeListenerOptions {
  readonly url: string;
  /** The name by which this process tells its own notices. */
  readonly replica: string;
  readonly logger: Logger;
  /** Keeps the socket of the open connection, for whoever has to break it. */
  readonly sockets: Set<Socket>;
}

export class NoticeListener {
  readonly #options: NoticeListenerOptions;
  readonly #listeners = new Set<(notice: Notice) => void>();
  #client: pg.Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #retry: Millis = RETRY;
  #closed = false;

  constructor(options: NoticeListenerOptions) {
    this.#options = options;
  }

  /** Begins to listen. What was told before, or while the connection was broken, is not heard. */
  start(): void {
    void this.#connect();
  }

  /** Calls `listener` with what others tell, until the returned function is called. */
  listen(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      stream: () => keptSocket(this.#options.sockets),
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      application_name: "belay notices",
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE,
    });
    client.on("error", (error) => this.#lose(client, error));
    client.on("end", () => this.#lose(client, null));
    client.on("notification", ({ payload = "" }) => {
      const notice = noticeOf(payload, this.#options.replica);
      if (notice !== null) this.#tell(notice);
    });
    this.#client = client;
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      this.#retry = RETRY;
      // Whatever was told in between went unheard.
      this.#tell({ type: "missed" });
    } catch (error) {
      this.#lose(client, error);
    }
  }

  #lose(client: pg.Client, error: unknown): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = null;
    this.#options.logger.warn(
      { err: error },
      "the connection for notices is lost; other replicas are looked at from time to time",
    );
    client
      .end()
      .catch((reason: unknown) => this.#options.logger.debug({ err: reason }, "a broken connection can't be ended"));
    this.#timer = setTimeout(() => void this.#connect(), this.#retry);
    this.#retry = Math.min(this.#retry * 2, LONGEST_RETRY);
  }

  #tell(notice: Notice): void {
    for (const listener of [...this.#listeners]) listener(notice);
  }
}
