/** `belay keys create`: makes a key, and prints its secret this once. */
import { existsSync } from "node:fs";
import { create, toJson } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  type CreateKeyRequest,
  CreateKeyRequestSchema,
  CreateKeyResponseSchema,
  type Key,
} from "../../gen/belay/v1/key_service_pb.ts";
import type { RateLimit } from "../gate/identity.ts";
import { SCOPES, type Scope } from "../gate/scope.ts";
import { type AdminOptions, addAdminOptions, withAdminAccess } from "./admin_access.ts";
import { READ_TIMEOUT } from "./connection.ts";
import { EXIT_CODES } from "./exit_code.ts";
import { printJson } from "./json_output.ts";
import { sent } from "./kinds/kind_access.ts";
import { printable } from "./printable.ts";
import { parseRate } from "./rate_option.ts";
import { scopesIn } from "./scope_option.ts";
import { millisOfSpan } from "./span.ts";
import { localDateTime } from "./time_format.ts";

interface CreateOptions extends AdminOptions {
  readonly scope: readonly Scope[];
  readonly description: string;
  readonly expiresIn?: Date;
  readonly expiresAt?: Date;
  readonly allowAddress?: readonly string[];
  readonly rateLimit?: RateLimit;
  readonly json?: boolean;
}

const EXAMPLES = `
The secret stands alone on standard output, all else on standard error:
  KEY=$(belay keys create --scope 'cancel:*,executions:read' --description "incident bot" --expires-in 90d)

More examples:
  belay keys create --db belay.db --scope admin --description "first administrator"
  belay keys create --scope worker --description "import workers" --allow-address 192.0.2.0/24,2001:db8::/32
  belay keys create --scope cancel:process --description "tracker" --tenant ugc --rate-limit 100/1s`;

export function createKeyCommand(): Command {
  const command = new Command("create")
    .description("Make a key. Its secret is shown this once; Belay keeps only a hash of it.")
    .requiredOption("--scope <scope,…>", `what it permits, of ${SCOPES.join(", ")}; may be given again`, parseScopes)
    .requiredOption("--description <text>", "what it is for")
    .addOption(
      new Option("--expires-in <span>", "it ends by itself after this: 90d, 12h")
        .argParser(parseEndOfSpan)
        .conflicts("expiresAt"),
    )
    .option("--expires-at <time>", "it ends by itself at this time: 2027-01-31T00:00:00Z", parseEnd)
    .option(
      "--allow-address <address,…>",
      "only from these addresses and CIDR blocks; may be given again",
      parseAddresses,
    )
    .option("--rate-limit <calls/span>", "at most so many calls: 100/1s, 6000/1m", parseRate)
    .option("--json", "print the key and its secret as one JSON document");
  return addAdminOptions(command)
    .addHelpText("after", `${EXAMPLES}\n${EXIT_CODES}`)
    .action((options: CreateOptions) => createKey(options));
}

async function createKey(options: CreateOptions): Promise<void> {
  const { db, json } = options;
  const isNewDatabase = db !== undefined && !existsSync(db);
  await withAdminAccess(options, "make", async ({ keys }) => {
    if (isNewDatabase) console.error(`belay: made the database ${db}`);
    const response = await keys.createKey(requestOf(options), { timeoutMs: READ_TIMEOUT });
    if (json === true) {
      printJson(toJson(CreateKeyResponseSchema, response));
      return;
    }
    console.log(response.secret);
    console.error(`belay: ${printable(inWords(sent(response.key, "key")))}`);
    console.error("belay: this is the only time that the secret is shown: keep it now");
  });
}

function requestOf(options: CreateOptions): CreateKeyRequest {
  const { scope, description, tenant, allowAddress, rateLimit } = options;
  const end = options.expiresIn ?? options.expiresAt;
  return create(CreateKeyRequestSchema, {
    scopes: [...scope],
    description,
    tenant: tenant ?? "",
    allowedAddresses: [...(allowAddress ?? [])],
    ...(end !== undefined && { expireTime: timestampFromDate(end) }),
    ...(rateLimit !== undefined && {
      rateLimit: { calls: rateLimit.calls, periodSeconds: rateLimit.period / 1000 },
    }),
  });
}

/** "made key 0197…, tenant default, for cancel:*, until 2026-04-05 12:00:00.000" */
function inWords({ keyId, tenant, scopes, allowedAddresses, expireTime }: Key): string {
  const from = allowedAddresses.length === 0 ? "" : `, from ${allowedAddresses.join(", ")} only`;
  const end = expireTime === undefined ? "without end" : `until ${localDateTime(expireTime)}`;
  return `made key ${keyId} of tenant ${tenant}: ${scopes.join(", ")}${from}, ${end}`;
}

function parseScopes(text: string, before: readonly Scope[] = []): Scope[] {
  const scopes = scopesIn(text);
  if (typeof scopes === "string") throw new InvalidArgumentError(scopes);
  return [...new Set([...before, ...scopes])];
}

/** The greatest time that a timestamp of the contract can hold. */
const END_OF_TIME = Date.UTC(9999, 11, 31);

function parseEndOfSpan(text: string): Date {
  const span = millisOfSpan(text);
  const end = Date.now() + (span ?? 0);
  if (span !== null && span > 0 && end < END_OF_TIME) return new Date(end);
  throw new InvalidArgumentError("It must be a span such as 90d, 12h or 30m.");
}

function parseEnd(text: string): Date {
  const end = new Date(text);
  // With its zone: a key must not end at another time than the one that was meant.
  if (!/^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/i.test(text) || Number.isNaN(end.getTime())) {
    throw new InvalidArgumentError("It must be a time with its zone, such as 2027-01-31T00:00:00Z.");
  }
  if (end.getTime() > Date.now()) return end;
  throw new InvalidArgumentError("It has passed: the key would not be valid for a moment.");
}

/** The server judges them. */
function parseAddresses(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(",").map((address) => address.trim())];
}
