/** The settings of `belay serve`: flags, and the environment variables that stand for them. Flags win. */
import { accessSync, constants, statSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { dirname, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { KeyGrant } from "../rpc/keys.ts";
import { LOG_LEVELS, type LogLevel, type ServerConfig, type TlsFiles } from "../server/config.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { parseKey, parseKeyFile } from "./key_options.ts";
import { wholeNumber } from "./number_option.ts";

export interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly db: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly logLevel: LogLevel;
  /** In seconds. */
  readonly shutdownGrace: number;
  readonly corsOrigin?: readonly string[];
  readonly apiKey?: readonly KeyGrant[];
  readonly apiKeyFile?: readonly KeyGrant[];
  readonly redisUrl?: string;
  readonly callbackSecret?: string;
}

export function addServeOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--port <port>", "where to listen; 0 takes one that is free")
        .env("BELAY_PORT")
        .default(8080)
        .argParser(wholeNumber(0, 65_535)),
    )
    .addOption(
      new Option("--host <host>", "the address to listen on; without keys, one of the loopback interface")
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
    .addOption(
      new Option("--tls-cert <path>", "the certificate, a PEM file").env("BELAY_TLS_CERT").argParser(parseFile),
    )
    .addOption(new Option("--tls-key <path>", "its key, a PEM file").env("BELAY_TLS_KEY").argParser(parseFile))
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
        .argParser(parseKey),
    )
    .addOption(
      new Option("--api-key-file <path>", "a file of keys, one a line: KEY [NAME [PERMISSION,…]]")
        .env("BELAY_API_KEY_FILE")
        .argParser(parseKeyFile),
    )
    .addOption(
      new Option("--redis-url <url>", "where to set the cancellation flags of workflow runs")
        .env("BELAY_REDIS_URL")
        .argParser(parseRedisUrl),
    )
    .addOption(
      new Option("--callback-secret <secret>", "signs the callbacks of processes (HMAC-SHA256)").env(
        "BELAY_CALLBACK_SECRET",
      ),
    );
}

/** The server's configuration. Throws if two settings don't fit together. */
export function configOf(options: ServeOptions): ServerConfig {
  return {
    host: options.host,
    port: options.port,
    database: options.db,
    tls: tlsOf(options),
    logLevel: options.logLevel,
    shutdownGrace: options.shutdownGrace * 1000,
    corsOrigins: options.corsOrigin ?? [],
    apiKeys: keysFor(options),
    redisUrl: options.redisUrl ?? null,
    callbackSecret: options.callbackSecret ?? null,
  };
}

/** Without keys everybody who reaches the port may press the button, so only this machine may reach it. */
function keysFor({ host, apiKey = [], apiKeyFile = [] }: ServeOptions): readonly KeyGrant[] {
  const keys = [...apiKey, ...apiKeyFile];
  if (keys.length > 0 || isLoopback(host)) return keys;
  throw new CommandFailure(
    `--host ${host} can be reached from other machines, and no keys are configured: give --api-key or --api-key-file, or listen on 127.0.0.1`,
    EXIT.usage,
  );
}

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return host === "localhost" || (family !== 0 && LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6"));
}

function tlsOf({ tlsCert, tlsKey }: ServeOptions): TlsFiles | null {
  if (tlsCert !== undefined && tlsKey !== undefined) return { certPath: tlsCert, keyPath: tlsKey };
  if (tlsCert === undefined && tlsKey === undefined) return null;
  const [given, missing] = tlsCert === undefined ? ["--tls-key", "--tls-cert"] : ["--tls-cert", "--tls-key"];
  throw new CommandFailure(`${given} needs ${missing} beside it: a certificate and its key go together`, EXIT.usage);
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

function parseHost(text: string): string {
  if (text === "localhost" || isIP(text) !== 0) return text;
  throw new InvalidArgumentError("It must be an address of this machine, for example 127.0.0.1 or ::1.");
}

function parseRedisUrl(text: string): string {
  const url = URL.parse(text);
  // The path may name a database, by its number.
  if (url !== null && /^rediss?:$/.test(url.protocol) && /^(\/\d*)?$/.test(url.pathname)) return text;
  throw new InvalidArgumentError("It must be a URL such as redis://127.0.0.1:6379.");
}

function parseDatabase(text: string): string {
  if (text === ":memory:") return text;
  const folder = dirname(resolve(text));
  if (text === "" || statSync(text, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InvalidArgumentError("It must be the path of a file, for example /var/lib/belay/belay.db.");
  }
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InvalidArgumentError(`There is no directory ${folder}: make it first, or give another path.`);
  }
  return text;
}

function parseFile(text: string): string {
  if (isReadableFile(text)) return text;
  throw new InvalidArgumentError("It must be the path of a PEM file that this user may read.");
}

function isReadableFile(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
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
