/** `belay audit verify`: proves that the audit log is as it was written. */
import { Command, InvalidArgumentError } from "commander";
import type { AuditEvent, RemovedAuditEvent } from "../../gen/belay/v1/audit_service_pb.ts";
import { type AdminClients, type AdminOptions, addAdminOptions, withAdminAccess } from "./admin_access.ts";
import { beginningFault, type ChainVerdict, checkChain, type LogMark } from "./audit_chain.ts";
import { auditEvents, removedEvent } from "./audit_events.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { printJson } from "./json_output.ts";
import { localDateTime } from "./time_format.ts";

interface VerifyOptions extends AdminOptions {
  readonly expect?: LogMark;
  readonly json?: boolean;
}

const HELP = `
Examples:
  belay audit verify
  belay audit verify --json | jq -r .head > head-of-today
  belay audit verify --expect "$(cat head-of-last-week)"
  belay audit verify --db /var/lib/belay/belay.db --tenant ugc

The whole log is read, and each hash computed anew. That shows every change, unless somebody wrote all the rest of the log anew or cut
off its end. A head that was kept elsewhere shows that too: give it to --expect.

Exit codes:
  0  the log fits          5  the server refused the request
  1  a fault of Belay      6  the server can't be reached, or can't answer now
  2  wrong usage          10  the log does not fit: it was changed`;

export function verifyCommand(): Command {
  const command = new Command("verify")
    .description("Check that nobody has changed, removed or inserted an event.")
    .option("--expect <number:hash>", "a head that was kept elsewhere: this event must still be there", parseMark)
    .option("--json", "print the verdict as one JSON document");
  return addAdminOptions(command)
    .addHelpText("after", HELP)
    .action((options: VerifyOptions) => verify(options));
}

async function verify(options: VerifyOptions): Promise<void> {
  const { tenant = "", expect, json } = options;
  const { verdict, removed } = await withAdminAccess(options, "refuse", (clients) =>
    verifyLog(clients, tenant, expect ?? null),
  );
  if (json === true) printJson(documentOf(verdict));
  else if (verdict.fits) console.log(inWords(verdict, removed));
  if (verdict.fits) return;
  throw new CommandFailure(`the audit log does not fit at event ${verdict.number}: ${verdict.fault}`, EXIT.logChanged);
}

interface Verified {
  readonly verdict: ChainVerdict;
  readonly removed: RemovedAuditEvent | undefined;
}

async function verifyLog(clients: AdminClients, tenant: string, expected: LogMark | null): Promise<Verified> {
  let first: AuditEvent | null = null;
  const events = async function* (): AsyncGenerator<AuditEvent> {
    for await (const event of auditEvents(clients, { tenant }, false)) {
      first ??= event;
      yield event;
    }
  };
  const verdict = await checkChain(events(), expected);
  const removed = await removedEvent(clients, tenant);
  const fault = first === null || !verdict.fits ? null : beginningFault(first, removed ?? null);
  return { verdict: fault === null ? verdict : { fits: false, ...fault }, removed };
}

function inWords(
  { events, first, head }: ChainVerdict & { fits: true },
  removed: RemovedAuditEvent | undefined,
): string {
  if (head === null || first === null) return "the log is empty";
  const when = removed?.removeTime === undefined ? "" : `, last on ${localDateTime(removed.removeTime)}`;
  const begin =
    first === 1n ? "" : `\nit begins with event ${first}: what was before has been removed because of its age${when}`;
  return `the log fits: ${events} events, ${first} to ${head.number}${begin}\nhead ${head.number}:${head.hash}`;
}

/** Numbers as strings: as protobuf JSON has those of 64 bits. */
function documentOf(verdict: ChainVerdict): Record<string, string | number | boolean | null> {
  if (!verdict.fits) return { fits: false, number: String(verdict.number), fault: verdict.fault };
  const { events, first, head } = verdict;
  return {
    fits: true,
    events,
    first: first === null ? null : String(first),
    head: head === null ? null : `${head.number}:${head.hash}`,
  };
}

/** "1204:9f86d081…" */
function parseMark(text: string): LogMark {
  const [, number, hash] = /^([1-9]\d{0,15}):([0-9a-f]{64})$/i.exec(text) ?? [];
  if (number !== undefined && hash !== undefined) return { number: BigInt(number), hash: hash.toLowerCase() };
  throw new InvalidArgumentError(
    "It must be a number, a colon and 64 hex digits, as `belay audit verify` prints its head.",
  );
}
