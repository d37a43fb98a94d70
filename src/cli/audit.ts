/** `belay audit`: who cancelled what, and who was not let. */
import { toJson } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Command } from "commander";
import { AuditEventSchema } from "../../gen/belay/v1/audit_service_pb.ts";
import type { ExecutionRef } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type AdminOptions, addAdminOptions, withAdminAccess } from "./admin_access.ts";
import { type AuditWish, auditEvents } from "./audit_events.ts";
import { auditLine } from "./audit_line.ts";
import { verifyCommand } from "./audit_verify.ts";
import { parseExecutionRef } from "./execution_ref_option.ts";
import { EXIT, EXIT_CODES } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { printJsonLine } from "./json_output.ts";
import { parseSince } from "./list_options.ts";

interface AuditOptions extends AdminOptions {
  readonly execution?: ExecutionRef;
  readonly principal?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly refused?: boolean;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  belay audit --since 24h
  belay audit --execution process/p-1
  belay audit --refused --follow
  belay audit --json | jq -r 'select(.outcome == "applied") | .execution.id'
  belay audit verify`;

export function auditCommand(): Command {
  const command = new Command("audit")
    .description("Show the audit log, oldest first: every cancel that was asked for, and what came of it.")
    .option("--execution <kind/id>", "only what is about this execution", parseExecutionRef)
    .option("--principal <principal>", "only what this caller asked for, for example key:0197c3a2-…")
    .option("--since <span|time>", "only from then on: 90s, 15m, 24h, 2d ago or an ISO 8601 time", parseSince)
    .option("--until <span|time>", "only before then", parseSince)
    .option("--refused", "only what was refused")
    .option("--follow", "go on, and show what is to come")
    .option("--json", "print each event as one line of JSON");
  return addAdminOptions(command)
    .addCommand(verifyCommand())
    .addHelpText("after", `${EXAMPLES}\n${EXIT_CODES}`)
    .action((options: AuditOptions) => audit(options));
}

async function audit(options: AuditOptions): Promise<void> {
  const { follow = false, json, db } = options;
  if (follow && db !== undefined) {
    throw new CommandFailure(
      "--follow is only for a server: nothing happens while none has the database open",
      EXIT.usage,
    );
  }
  const wasEmpty = await withAdminAccess(options, "refuse", async (clients) => {
    let isEmpty = true;
    for await (const event of auditEvents(clients, wishOf(options), follow)) {
      isEmpty = false;
      if (json === true) printJsonLine(toJson(AuditEventSchema, event));
      else console.log(auditLine(event));
    }
    return isEmpty;
  });
  if (wasEmpty) console.error("belay: no audit events found");
}

function wishOf({ execution, principal, since, until, refused, tenant }: AuditOptions): AuditWish {
  return {
    tenant: tenant ?? "",
    ...(principal !== undefined && { principal }),
    ...(refused !== undefined && { refused }),
    ...(execution !== undefined && { execution }),
    ...(since !== undefined && { fromTime: timestampFromDate(since) }),
    ...(until !== undefined && { toTime: timestampFromDate(until) }),
  };
}
