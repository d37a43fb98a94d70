/** `belay keys list`: the keys of a tenant, without their secrets. */
import { toJson } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { Command } from "commander";
import { type Key, KeySchema } from "../../gen/belay/v1/key_service_pb.ts";
import { type AdminOptions, addAdminOptions, withAdminAccess } from "./admin_access.ts";
import { READ_TIMEOUT } from "./connection.ts";
import { EXIT_CODES } from "./exit_code.ts";
import { printJson } from "./json_output.ts";
import { MAX_INT32, wholeNumber } from "./number_option.ts";
import { noteMore, readPages } from "./pages.ts";
import { dim, green, yellow } from "./paint.ts";
import { type Cell, type Column, table } from "./table.ts";
import { localDateTime } from "./time_format.ts";

interface ListOptions extends AdminOptions {
  readonly limit: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  belay keys list
  belay keys list --json | jq -r '.[] | select(.revokeTime == null) | .keyId'
  belay keys list --db /var/lib/belay/belay.db`;

export function listKeysCommand(): Command {
  const command = new Command("list")
    .description("List keys, newest first, those that have expired or were revoked included.")
    .option("--limit <n>", "at most this many", wholeNumber(1, MAX_INT32), 100)
    .option("--json", "print them as one JSON array");
  return addAdminOptions(command)
    .addHelpText("after", `${EXAMPLES}\n${EXIT_CODES}`)
    .action((options: ListOptions) => listKeys(options));
}

async function listKeys(options: ListOptions): Promise<void> {
  const { tenant = "", limit, json } = options;
  const { items, hasMore } = await withAdminAccess(options, "refuse", ({ keys }) =>
    readPages(limit, async (pageSize, pageToken) => {
      const page = await keys.listKeys({ tenant, pageSize, pageToken }, { timeoutMs: READ_TIMEOUT });
      return { items: page.keys, nextPageToken: page.nextPageToken };
    }),
  );
  if (json === true) printJson(items.map((key) => toJson(KeySchema, key)));
  else if (items.length === 0) console.error("belay: no keys found");
  else console.log(table(columns(new Date()), items));
  if (hasMore) noteMore(limit);
}

function columns(now: Date): Column<Key>[] {
  return [
    { title: "ID", cell: ({ keyId }) => keyId },
    { title: "SECRET", cell: ({ prefix }) => `${prefix}…` },
    { title: "SCOPES", cell: ({ scopes }) => scopes.join(",") },
    { title: "STATE", cell: (key) => stateCell(key, now) },
    { title: "EXPIRES", cell: ({ expireTime }) => (expireTime === undefined ? "never" : localDateTime(expireTime)) },
    { title: "DESCRIPTION", cell: ({ description }) => description },
  ];
}

function stateCell({ revokeTime, expireTime }: Key, now: Date): Cell {
  if (revokeTime !== undefined) return { text: "revoked", paint: dim };
  return hasPassed(expireTime, now) ? { text: "expired", paint: yellow } : { text: "active", paint: green };
}

function hasPassed(time: Timestamp | undefined, now: Date): boolean {
  return time !== undefined && timestampDate(time) <= now;
}
