/** `belay run`: runs a command that Belay can stop. */
import { Command, InvalidArgumentError, Option } from "commander";
import { v4 as uuid } from "uuid";
import { isKindName } from "../client/execution_ref.ts";
import {
  type Belay,
  createBelay,
  type ExecutionOptions,
  type ExecutionRef,
  type KindName,
  UnreachableError,
} from "../client/index.ts";
import { addressOption } from "./connection.ts";
import { failureOf } from "./failure.ts";
import { KIND_WORDS, parseKind } from "./kinds/all_kinds.ts";
import { wholeNumber } from "./number_option.ts";
import { withDetail } from "./run/detail_option.ts";
import { RUN_EXIT } from "./run/exit.ts";
import { type Messages, messagesTo, writeToStderr } from "./run/messages.ts";
import { supervise } from "./run/supervise.ts";
import { systemProcessTable } from "./run/system_process_table.ts";

interface RunOptions {
  readonly kind: KindName;
  readonly id?: string;
  readonly listener: readonly string[];
  readonly label: Readonly<Record<string, string>>;
  readonly parent?: ExecutionRef;
  readonly detail?: string;
  /** In seconds. */
  readonly lease: number;
  readonly registered?: boolean;
  readonly address: string;
  /** In seconds. */
  readonly reportTimeout: number;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
Examples:
  belay run -- ./import.sh
  belay run --id import-42 --label team=data -- python3 import.py
  belay run --kind workflow-run --id run_7 --listener release-lock -- make nightly

A stop sends SIGTERM to all processes of the command, a terminate SIGKILL. The stop is reported when none of them is left.
Ctrl-C is passed on to the command; a second one kills it.

Exit codes:
  that of the command; 128 and its number if a signal ended it (143 for SIGTERM, 137 for SIGKILL), also when it was cancelled
  2    wrong usage
  125  not started: Belay can't be reached or refused, or the execution had been cancelled
  126  the command can't be executed
  127  the command was not found`;

/** The command, to be mounted by the program. It sets `process.exitCode`. */
export function runCommand(): Command {
  return new Command("run")
    .description("Run a command that Belay can stop, and prove that it has stopped.")
    .argument("<command...>", "the command and its arguments, best after --")
    .addOption(
      new Option("--kind <kind>", `one of ${KIND_WORDS}`).argParser(kindName).default("process" satisfies KindName),
    )
    .option("--id <id>", "the id under which it can be cancelled (default: a new one)")
    .addOption(
      new Option("--listener <type>", "a listener that must complete before a cancellation does; may be repeated")
        .argParser((type: string, types: readonly string[]) => [...types, type])
        .default([], "none"),
    )
    .addOption(
      new Option("--label <name=value>", "a label, for finding it; may be repeated")
        .argParser(addLabel)
        .default({}, "none"),
    )
    .addOption(new Option("--parent <kind/id>", "the execution that it is a child of").argParser(parseRef))
    .option("--detail <json>", "what is particular to the kind, as in the contract")
    .option("--registered", "start an execution that has been registered by somebody else")
    .addOption(
      new Option("--lease <seconds>", "how long Belay waits for a sign of life")
        .argParser(wholeNumber(1, 3600))
        .default(15),
    )
    .addOption(
      new Option("--report-timeout <seconds>", "how long to try to tell Belay how the command ended")
        .argParser(wholeNumber(0, 86_400))
        .default(60),
    )
    .addOption(new Option("-q, --quiet", "say nothing but errors").conflicts("verbose"))
    .option("-v, --verbose", "say what goes on")
    .addOption(addressOption())
    .addHelpText("after", HELP)
    .action(async ([file, ...args]: [string, ...string[]], options: RunOptions) => {
      process.exitCode = await run(file, args, options);
    });
}

async function run(file: string, args: readonly string[], options: RunOptions): Promise<number> {
  const messages = messagesTo(writeToStderr, options.quiet ? "quiet" : options.verbose ? "verbose" : "normal");
  if (process.platform === "win32") {
    messages.error("belay run needs process groups: it runs on Linux, macOS and the BSDs");
    return RUN_EXIT.notStarted;
  }
  const { address } = options;
  const execution = executionOf(options);
  const { detail, notice } = messages;
  const belay = createBelay({ address, logger: { debug: detail, info: notice, warn: notice } });
  try {
    const claim = await claimOf(belay, execution, address, messages);
    if (claim === null) return RUN_EXIT.notStarted;
    const { kind, id } = claim.execution;
    return await supervise({
      claim,
      command: { file, args },
      marker: uuid(),
      environment: { BELAY_ADDRESS: address, BELAY_EXECUTION: `${kind}/${id}` },
      table: systemProcessTable(),
      messages,
      reportTimeout: options.reportTimeout * 1000,
    });
  } finally {
    belay.close();
  }
}

/** Null, having said why, if Belay does not let it start. */
async function claimOf(
  belay: Belay,
  execution: ExecutionOptions,
  address: string,
  messages: Messages,
): Promise<Awaited<ReturnType<Belay["claim"]>> | null> {
  try {
    return await belay.claim(execution);
  } catch (error) {
    const cause = failureOf(
      error instanceof UnreachableError && error.cause !== undefined ? error.cause : error,
      address,
    );
    messages.error(`not started: ${cause instanceof Error ? cause.message : String(cause)}`);
    return null;
  }
}

function executionOf({ kind, detail, id, listener, label, parent, lease, registered }: RunOptions): ExecutionOptions {
  return withDetail(kind, detail, {
    ...(id !== undefined && { id }),
    ...(parent !== undefined && { parent }),
    labels: label,
    listeners: listener,
    leaseSeconds: lease,
    registered: registered === true,
  });
}

function kindName(text: string): KindName {
  const name = parseKind(text).word.replaceAll("-", "_");
  if (isKindName(name)) return name;
  throw new InvalidArgumentError(`Kinds are ${KIND_WORDS}.`);
}

function parseRef(text: string): ExecutionRef {
  const separator = text.indexOf("/");
  const id = text.slice(separator + 1);
  if (separator < 0 || id === "") throw new InvalidArgumentError("Give kind and id, for example process/p-1.");
  return { kind: kindName(text.slice(0, separator)), id };
}

function addLabel(text: string, labels: Readonly<Record<string, string>>): Record<string, string> {
  const separator = text.indexOf("=");
  if (separator < 1) throw new InvalidArgumentError("Give name and value, for example team=data.");
  return { ...labels, [text.slice(0, separator)]: text.slice(separator + 1) };
}
