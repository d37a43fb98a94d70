/** The settings of `belay serve`: flags, and the environment variables that stand for them. Flags win. */
import { isIP } from "node:net";
import { type Command, InvalidArgumentError, Option } from "commander";
import { LOG_LEVELS, type LogLevel, type ServerConfig } from "../server/config.ts";
import { parseDatabase } from "./database_option.ts";
import { type DatabaseUrlOptions, databaseUrlOf, databaseUrlOption } from "./database_url_option.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { collectKey, grantsOf, type KeyFile, parseKeyFile } from "./key_options.ts";
import { addLimitOptions, type LimitOptions, rateLimitsOf } from "./limit_options.ts";
import { wholeNumber } from "./number_option.ts";
import { addOidcOptions, type OidcOptions, oidcOf } from "./oidc_options.ts";
import { trustedProxyOption } from "./proxy_option.ts";
import {
  auditRetentionOption,
  commandRetentionOption,
  executionRetentionOption,
  type RetentionOptions,
  retentionOf,
} from "./retention_option.ts";
import { addTlsOptions, type TlsOptions, tlsOf } from "./tls_options.ts";
import { parseTruth } from "./truth_option.ts";

export interface ServeOptions extends TlsOptions, OidcOptions, LimitOptions, RetentionOptions, DatabaseUrlOptions {
  readonly port: number;
  readonly host: string;
  readonly db: string;
  readonly logLevel: LogLevel;
  /** In seconds. */
  readonly shutdownGrace: number;
  readonly corsOrigin?: readonly string[];
  /** As they were given: `configOf` judges them. */
  readonly apiKey?: readonly string[];
  readonly apiKeyFile?: KeyFile;
  readonly accessTokenInQuery: boolean;
  readonly trustedProxy?: readonly string[];
  readonly redisUrl?: string;
  readonly callbackSecret?: string;
}

export function addServeOptions(command: Command): Command {
  command
    .addOption(
      new Option("--port <port>", "where to listen; 0 takes one that is free")
        .env("BELAY_PORT")
        .default(8080)
        .argParser(wholeNumber(0, 65_535)),
    )
    .addOption(
      new Option("--host <host>", "the address to listen on; without credentials, one of the loopback interface")
        .env("BELAY_HOST")
        .default("127.0.0.1")
        .argParser(parseHost),
    )
    .addOption(
      new Option("--db <path>", "the SQLite file, made if it is not there; :memory: keeps nothing")
        .env("BELAY_DB")
        .default("belay.db")
        .argParser(parseDatabase),
    )
    .addOption(databaseUrlOption())
    .addOption(
      new Option("--log-level <level>", "how much to log")
        .env("BELAY_LOG_LEVEL")
        .default("info" satisfies LogLevel)
        .choices(LOG_LEVELS),
    )
    .addOption(
      new Option("--shutdown-grace <seconds>", "how long a shutdown waits for calls under way")
        .env("BELAY_SHUTDOWN_GRACE")
        .default(10)
        .argParser(wholeNumber(0, 3600)),
    )
    .addOption(
      new Option("--cors-origin <origin,…>", "whose pages may call the server, * for all; may be given again")
        .env("BELAY_CORS_ORIGIN")
        .argParser(parseOrigins),
    )
    .addOption(
      new Option("--api-key <key>", "a key that callers have to show; may be given again")
        .env("BELAY_API_KEY")
        .argParser(collectKey),
    )
    .addOption(
      new Option("--api-key-file <path>", "a file of keys, one a line: KEY [NAME [SCOPE,…]]")
        .env("BELAY_API_KEY_FILE")
        .argParser(parseKeyFile),
    )
    .addOption(
      new Option("--access-token-in-query [true|false]", "take keys as ?access_token= too, where a product does")
        .env("BELAY_ACCESS_TOKEN_IN_QUERY")
        .preset("true")
        .default(false)
        .argParser(parseTruth),
    )
    .addOption(trustedProxyOption())
    .addOption(
      new Option("--redis-url <url>", "where to set the cancellation flags of workflow runs").env("BELAY_REDIS_URL"),
    )
    .addOption(
      new Option("--callback-secret <secret>", "signs the callbacks of processes (HMAC-SHA256)").env(
        "BELAY_CALLBACK_SECRET",
      ),
    )
    .addOption(commandRetentionOption())
    .addOption(executionRetentionOption())
    .addOption(auditRetentionOption());
  return addLimitOptions(addOidcOptions(addTlsOptions(command)));
}

/** The server's configuration. Throws if a secret is not valid, or two settings don't fit together. */
export function configOf(options: ServeOptions): ServerConfig {
  return {
    host: options.host,
    port: options.port,
    database: options.db,
    databaseUrl: databaseUrlOf(options),
    tls: tlsOf(options),
    logLevel: options.logLevel,
    shutdownGrace: options.shutdownGrace * 1000,
    corsOrigins: options.corsOrigin ?? [],
    apiKeys: grantsOf(options.apiKey ?? [], options.apiKeyFile),
    accessTokenInQuery: options.accessTokenInQuery,
    oidc: oidcOf(options),
    trustedProxies: options.trustedProxy ?? [],
    rateLimits: rateLimitsOf(options),
    redisUrl: redisUrlOf(options),
    callbackSecret: callbackSecretOf(options),
    retention: retentionOf(options),
  };
}

// What may be a secret is judged here and not while it is parsed: commander shows what a parser refuses.

function redisUrlOf({ redisUrl }: ServeOptions): string | null {
  if (redisUrl === undefined) return null;
  const url = URL.parse(redisUrl);
  // The path may name a database, by its number.
  if (url !== null && /^rediss?:$/.test(url.protocol) && /^(\/\d*)?$/.test(url.pathname)) return redisUrl;
  throw new CommandFailure("--redis-url (BELAY_REDIS_URL) must be a URL such as redis://127.0.0.1:6379", EXIT.usage);
}

function callbackSecretOf({ callbackSecret }: ServeOptions): string | null {
  if (callbackSecret !== "") return callbackSecret ?? null;
  throw new CommandFailure(
    "--callback-secret (BELAY_CALLBACK_SECRET) is empty: give a secret, or leave it out",
    EXIT.usage,
  );
}

function parseHost(text: string): string {
  if (text === "localhost" || isIP(text) !== 0) return text;
  throw new InvalidArgumentError("It must be an address of this machine, for example 127.0.0.1 or ::1.");
}

/** "https://ops.example.com,https://admin.example.com" */
function parseOrigins(text: string, before: readonly string[] = []): string[] {
  const origins = text.split(",").map((origin) => origin.trim());
  const wrong = origins.find((origin) => origin !== "*" && URL.parse(origin)?.origin !== origin);
  if (wrong === undefined) return [...before, ...origins];
  throw new InvalidArgumentError(
    `"${wrong}" is no origin: give a scheme, a host and a port, as in https://ops.example.com.`,
  );
}
