/** `belay list`: executions of a kind, or cancellations. */
import { Command } from "commander";
import { addressOption, withConnection } from "./connection.ts";
import { parseExecutionRef } from "./execution_ref_option.ts";
import { EXIT, EXIT_CODES } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { KIND_WORDS, parseKind } from "./kinds/all_kinds.ts";
import type { KindAccess } from "./kinds/kind_access.ts";
import { listCancellations } from "./list_cancellations.ts";
import { listExecutions } from "./list_executions.ts";
import { type ListOptions, parseLabel, parseSince, parseStates } from "./list_options.ts";
import { MAX_INT32, wholeNumber } from "./number_option.ts";

const EXAMPLES = `
Examples:
  belay list processes
  belay list workflow-runs --state running,cancelling --label team=billing --since 1h
  belay list process-instances --parent process-instance/2251799813685249
  belay list cancellations --overdue`;

const ONLY_FOR_EXECUTIONS = ["state", "label", "parent", "workflow"] as const;
const ONLY_FOR_CANCELLATIONS = ["overdue", "pending"] as const;

export function listCommand(): Command {
  return new Command("list")
    .description("List executions of a kind, or cancellations, newest first.")
    .argument("<what>", `one of ${KIND_WORDS}, cancellations`, parseSubject)
    .option("--state <state,…>", "only those in one of these states", parseStates)
    .option("--label <name=value>", "only those with this label; may be given again", parseLabel)
    .option("--parent <kind/id>", "only the children of this execution", parseExecutionRef)
    .option("--workflow <id>", "only instances of this workflow")
    .option("--overdue", "only overdue cancellations")
    .option("--pending", "only cancellations that are under way")
    .option("--since <span|time>", "only what is newer: 90s, 15m, 1h, 2d or an ISO 8601 time", parseSince)
    .option("--limit <n>", "at most this many", wholeNumber(1, MAX_INT32), 100)
    .option("--json", "print them as one JSON array")
    .addOption(addressOption())
    .addHelpText("after", `${EXAMPLES}\n${EXIT_CODES}`)
    .action(async (subject: KindAccess | "cancellations", options: ListOptions) => {
      if (subject === "cancellations") {
        refuse(options, ONLY_FOR_EXECUTIONS, "for lists of executions, not of cancellations");
        await withConnection(options.address, (connection) => listCancellations(connection, options));
        return;
      }
      refuse(options, ONLY_FOR_CANCELLATIONS, "for `belay list cancellations`");
      if (subject.word !== "workflow-instance") refuse(options, ["workflow"], "for workflow-instances");
      await withConnection(options.address, (connection) => listExecutions(connection, subject, options));
    });
}

function parseSubject(text: string): KindAccess | "cancellations" {
  return /^cancellations?$/i.test(text) ? "cancellations" : parseKind(text);
}

function refuse(options: ListOptions, names: readonly (keyof ListOptions)[], where: string): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given !== undefined) throw new CommandFailure(`--${given} is only ${where}`, EXIT.usage);
}
