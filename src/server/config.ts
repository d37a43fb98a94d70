/** What a server is started with. Read from flags and environment by the CLI, or given by code that embeds the server. */
import type { Millis } from "../domain/time.ts";
import type { RateLimit } from "../gate/identity.ts";
import type { KeyGrant } from "../gate/key_ring.ts";
import type { OidcConfig } from "../gate/oidc.ts";
import type { RetentionTimes } from "../service/retention.ts";

/** Each log level shows its own lines and those of all levels before it. */
export const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Files that are read at the start and whenever they change. */
export interface TlsFiles {
  /** The certificate, and the intermediate ones after it: PEM. */
  readonly certPath: string;
  /** Its key: PEM, without a passphrase. */
  readonly keyPath: string;
  /** Null: no client certificate is asked for. */
  readonly clients: ClientCertificateFiles | null;
}

export interface ClientCertificateFiles {
  /** The authorities that sign client certificates: PEM. */
  readonly caPath: string;
  /** True: a client without a certificate is turned away. */
  readonly required: boolean;
  /** Whom the certificates stand for: JSON, see docs/tls.md. Null: for nobody; whoever has one shows a key too. */
  readonly mapPath: string | null;
}

export interface ServerConfig {
  /** Without credentials, an address of the loopback interface: nobody else may press the button. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** The path of the SQLite file, or ":memory:". */
  readonly database: string;
  /** A PostgreSQL database in its place, which several servers may share: "postgres://belay@db.example.com/belay". */
  readonly databaseUrl: string | null;
  /** Null: plain HTTP/1.1 and HTTP/2 without TLS. */
  readonly tls: TlsFiles | null;
  readonly logLevel: LogLevel;
  /** How long a shutdown waits for the calls under way. */
  readonly shutdownGrace: Millis;
  /** Keys that callers may show, beside those in the database. */
  readonly apiKeys: readonly KeyGrant[];
  /** Whether `?access_token=` counts as a credential. It ends up in logs and histories on the way here. */
  readonly accessTokenInQuery: boolean;
  /** Whose tokens count; null: nobody's. */
  readonly oidc: OidcConfig | null;
  /** The proxies that are believed when they say for whom they ask: addresses and CIDR blocks. */
  readonly trustedProxies: readonly string[];
  readonly rateLimits: RateLimitsConfig;
  /** Where workflow runs' cancellation flags are set, for example "redis://127.0.0.1:6379"; null: nowhere. */
  readonly redisUrl: string | null;
  /** The secret that callbacks are signed with; null: callbacks are sent unsigned. */
  readonly callbackSecret: string | null;
  readonly retention: RetentionTimes;
  /** The origins whose pages may call the server, for example "https://ops.example.com"; "*" for all. */
  readonly corsOrigins: readonly string[];
}

/** How often callers may call. */
export interface RateLimitsConfig {
  /** Each caller whose key has no limit of its own. Null: as often as it likes. */
  readonly perKey: RateLimit | null;
  /** All callers of one address together. Null: as often as they like. */
  readonly perAddress: RateLimit | null;
}

/** Other machines would reach the server, and nobody had to show who it is. */
export class InsecureAddressError extends Error {
  override readonly name = "InsecureAddressError";
}

/** A server that listens. */
export interface RunningServer {
  /** For example "http://127.0.0.1:8080", with the port that was chosen. */
  readonly url: string;
  /** True: there were no credentials when it started, so that everybody on this machine may call. */
  readonly isOpen: boolean;
  /** Reads the TLS files anew. What is wrong with them is logged, and those from before are served on. */
  reload(): Promise<void>;
  /** Lets the calls under way finish, as long as `shutdownGrace` allows, then closes the database. */
  close(): Promise<void>;
}
