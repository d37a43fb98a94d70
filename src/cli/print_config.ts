/** `belay serve --print-config`: every setting, its value without secrets, and where it comes from. */
import type { JsonValue } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { printJson } from "./json_output.ts";
import { rateInWords } from "./limit_options.ts";
import { dim, plain } from "./paint.ts";
import type { ServeOptions } from "./serve_options.ts";
import { type Column, table } from "./table.ts";

export interface Setting {
  /** The option: "--port". */
  readonly name: string;
  /** Null: not set. */
  readonly value: Shown | null;
  /** The option, the environment variable or "default". */
  readonly from: string;
}

type Settings = Required<ServeOptions>;
type Shown = string | number | boolean | readonly string[];

/** How the value of each setting is shown. The compiler sees to it that none is forgotten, and so none shown that is secret. */
const SHOWN: { readonly [Name in keyof Settings]: (value: Settings[Name]) => Shown } = {
  port: asItIs,
  host: asItIs,
  db: asItIs,
  logLevel: asItIs,
  shutdownGrace: (seconds) => `${seconds} s`,
  corsOrigin: asItIs,
  apiKey: (keys) => counted(keys.length),
  apiKeyFile: ({ path, grants }) => `${path} (${counted(grants.length)})`,
  accessTokenInQuery: asItIs,
  databaseUrl: withoutSecrets,
  redisUrl: withoutSecrets,
  callbackSecret: () => "set",
  commandRetention: (hours) => `${hours} h`,
  executionRetention: inDays,
  auditRetention: inDays,
  tlsCert: asItIs,
  tlsKey: asItIs,
  tlsClientCa: asItIs,
  tlsClientRequired: asItIs,
  tlsClientMap: asItIs,
  oidcIssuer: asItIs,
  oidcAudience: asItIs,
  oidcJwksUrl: withoutSecrets,
  oidcScopesClaim: asItIs,
  oidcTenantClaim: asItIs,
  oidcClockSkew: (seconds) => `${seconds} s`,
  trustedProxy: asItIs,
  rateLimitPerKey: rateInWords,
  rateLimitPerAddress: rateInWords,
};

/** All settings of `belay serve`, in the order of its help. */
export function settingsOf(command: Command, options: ServeOptions): Setting[] {
  return command.options.flatMap((option) => {
    const name = option.attributeName();
    if (!isSetting(name)) return [];
    const flag = option.long ?? option.flags;
    const source = command.getOptionValueSource(name);
    const from = source === "cli" ? flag : source === "env" ? (option.envVar ?? flag) : "default";
    return [{ name: flag, value: shownValue(options, name), from }];
  });
}

function isSetting(name: string): name is keyof Settings {
  return Object.hasOwn(SHOWN, name);
}

function shownValue<Name extends keyof Settings>(options: Partial<Settings>, name: Name): Shown | null {
  const value: Settings[Name] | undefined = options[name];
  return value === undefined ? null : SHOWN[name](value);
}

function asItIs<Value extends Shown>(value: Value): Value {
  return value;
}

function inDays(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}

function counted(keys: number): string {
  return keys === 1 ? "1 key" : `${keys} keys`;
}

/** A URL with *** for its password and for what its query says; for a text that is no URL, only that there is one. */
function withoutSecrets(text: string): string {
  const url = URL.parse(text);
  if (url === null) return "set, and no URL";
  if (url.password !== "") url.password = "***";
  if (url.search !== "") url.search = "***";
  return url.href;
}

export function printSettings(settings: readonly Setting[], json: boolean): void {
  if (json) printJson(settings.map(({ name, value, from }): JsonValue => ({ name, value: jsonOf(value), from })));
  else console.log(table(COLUMNS, settings));
}

function jsonOf(value: Shown | null): JsonValue {
  return typeof value === "object" && value !== null ? [...value] : value;
}

const COLUMNS: Column<Setting>[] = [
  { title: "SETTING", cell: ({ name }) => name },
  { title: "VALUE", cell: ({ value }) => (value === null ? { text: "not set", paint: dim } : inWords(value)) },
  { title: "FROM", cell: ({ from }) => ({ text: from, paint: from === "default" ? dim : plain }) },
];

function inWords(value: Shown): string {
  return typeof value === "object" ? value.join(", ") : String(value);
}
