/** What a server is started with. Read from flags and environment by the CLI, or given by code that embeds the server. */
import type { Millis } from "../domain/time.ts";
import type { KeyGrant } from "../rpc/keys.ts";

/** Each log level shows its own lines and those of all levels before it. */
export const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The certificate and its key, as PEM files. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

export interface ServerConfig {
  /** Without keys, an address of the loopback interface: nobody else may press the button. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** The path of the SQLite file, or ":memory:". */
  readonly database: string;
  /** Null: plain HTTP/1.1 and HTTP/2 without TLS. */
  readonly tls: TlsFiles | null;
  readonly logLevel: LogLevel;
  /** How long a shutdown waits for the calls under way. */
  readonly shutdownGrace: Millis;
  /** The keys that callers may show. Empty: none is needed, and `host` must be loopback. */
  readonly apiKeys: readonly KeyGrant[];
  /** Where workflow runs' cancellation flags are set, for example "redis://127.0.0.1:6379"; null: nowhere. */
  readonly redisUrl: string | null;
  /** The secret that callbacks are signed with; null: callbacks are sent unsigned. */
  readonly callbackSecret: string | null;
  /** The origins whose pages may call the server, for example "https://ops.example.com"; "*" for all. */
  readonly corsOrigins: readonly string[];
}

/** A server that listens. */
export interface RunningServer {
  /** For example "http://127.0.0.1:8080", with the port that was chosen. */
  readonly url: string;
  /** Lets the calls under way finish, as long as `shutdownGrace` allows, then closes the database. */
  close(): Promise<void>;
}
