/** The settings of `belay serve`: flags, and the environment variables that stand for them. Flags win. */
import { accessSync, constants, statSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { dirname, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { LOG_LEVELS, type LogLevel, type ServerConfig, type TlsFiles } from "../server/config.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
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
      new Option("--host <host>", "the address to listen on, of the loopback interface")
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
  };
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
  if (text === "localhost") return text;
  const family = isIP(text);
  if (family !== 0 && LOOPBACK.check(text, family === 4 ? "ipv4" : "ipv6")) return text;
  throw new InvalidArgumentError(
    "Belay listens on the loopback interface only until it can check credentials: give 127.0.0.1, ::1 or localhost.",
  );
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
