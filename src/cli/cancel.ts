/** `belay cancel`: the button itself. */
import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { Command, InvalidArgumentError, Option } from "commander";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind, RequestedBySchema } from "../../gen/belay/v1/execution_ref_pb.ts";
import { cancellationFacts } from "./cancellation_facts.ts";
import { addressOption, type Connection, withConnection } from "./connection.ts";
import { CANCEL_EXIT_CODES, EXIT } from "./exit_code.ts";
import { CommandFailure, isTimeout, reasonOf } from "./failure.ts";
import { follow } from "./follow.ts";
import { printJson } from "./json_output.ts";
import { kindArgument } from "./kinds/all_kinds.ts";
import type { CancelWish, KindAccess, Standing } from "./kinds/kind_access.ts";
import { MAX_INT32, wholeNumber } from "./number_option.ts";
import { printable } from "./printable.ts";
import { readStanding } from "./standing.ts";
import { factList } from "./table.ts";
import { timelineFormatter } from "./timeline.ts";
import { isUnderWay, verdictOn } from "./verdict.ts";
import { valueNamed } from "./words.ts";

interface CancelOptions {
  readonly address: string;
  readonly strategy?: Strategy;
  readonly forceAfter?: number;
  readonly reason: string;
  readonly requestedBy: string;
  readonly commandId?: string;
  readonly workflow?: string;
  readonly wait?: boolean;
  /** In seconds. */
  readonly timeout?: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  belay cancel process p-1
  belay cancel process p-1 --strategy soft-then-force --force-after 30 --reason "wrong input" --wait
  belay cancel workflow-run run_7 --strategy hard --wait --timeout 60
  belay cancel process-instance 2251799813685249 --json`;

export function cancelCommand(): Command {
  return new Command("cancel")
    .description(
      "Stop a running execution. Asking twice is safe: a second cancel joins the first, a stronger one escalates it.",
    )
    .addArgument(kindArgument())
    .argument("<id>", "its id")
    .addOption(
      new Option("--strategy <strategy>", "soft, hard or soft-then-force (default: that of the kind)").argParser(
        parseStrategy,
      ),
    )
    .addOption(
      new Option("--force-after <seconds>", "for soft-then-force: the time to stop by itself (default: 10)").argParser(
        wholeNumber(0, MAX_INT32),
      ),
    )
    .option("--reason <text>", "why, for people", "cancelled on the command line")
    .addOption(
      new Option("--requested-by <user>", "on whose behalf").default(
        process.env["USER"] ?? "",
        "the user of this shell",
      ),
    )
    .option("--command-id <id>", "makes the call safe to repeat: the same id gets the first answer again")
    .option("--workflow <id>", "for a workflow instance: the workflow it must belong to")
    .option("--wait", "follow the timeline until the cancellation has ended")
    .addOption(
      new Option(
        "--timeout <seconds>",
        "wait at most this long (default: 15 for an answer, any time with --wait)",
      ).argParser(wholeNumber(1, 86_400)),
    )
    .option("--json", "print the answer as one JSON document")
    .addOption(addressOption())
    .addHelpText("after", `${EXAMPLES}\n${CANCEL_EXIT_CODES}`)
    .action(async (access: KindAccess, id: string, options: CancelOptions) => {
      const wish = wishOf(access, id, options);
      await withConnection(options.address, (connection) => cancel(connection, access, wish, options));
    });
}

function parseStrategy(text: string): Strategy {
  const value = valueNamed(Strategy, text);
  switch (value) {
    case Strategy.SOFT:
    case Strategy.HARD:
    case Strategy.SOFT_THEN_FORCE:
      return value;
    default:
      throw new InvalidArgumentError("It must be soft, hard or soft-then-force.");
  }
}

function wishOf(access: KindAccess, id: string, options: CancelOptions): CancelWish {
  const { strategy, forceAfter } = options;
  if (forceAfter !== undefined && strategy !== undefined && strategy !== Strategy.SOFT_THEN_FORCE) {
    throw new CommandFailure("--force-after is only for --strategy soft-then-force", EXIT.usage);
  }
  if (options.workflow !== undefined && access.kind !== Kind.WORKFLOW_INSTANCE) {
    throw new CommandFailure(`--workflow is only for a workflow-instance, not for a ${access.word}`, EXIT.usage);
  }
  return {
    id,
    workflowId: options.workflow ?? "",
    terms: {
      strategy: strategy ?? Strategy.UNSPECIFIED,
      ...(forceAfter === undefined ? {} : { forceAfterSeconds: forceAfter }),
      reason: options.reason,
      requestedBy: create(RequestedBySchema, { system: "belay-cli", user: options.requestedBy }),
      commandId: options.commandId ?? "",
    },
  };
}

/** How long a cancel may take to answer, in milliseconds: what the contract gives a caller who names no deadline. */
const ANSWER = 15_000;

/** The same where a process instance will be followed: its answer comes only at the end, and would hide the timeline. */
const ANSWER_BEFORE_FOLLOWING = 2_000;

async function cancel(
  connection: Connection,
  access: KindAccess,
  wish: CancelWish,
  options: CancelOptions,
): Promise<void> {
  const deadline = options.timeout === undefined ? null : Date.now() + options.timeout * 1000;
  const asked = await ask(connection, access, wish, deadline, options.wait === true);
  let { standing } = asked;
  const printTimeline = options.wait === true && options.json !== true;
  if (options.wait === true && isUnderWay(standing.cancellation)) {
    await followToEnd(connection, standing.cancellation.id, deadline, printTimeline);
    standing = await readStanding(connection, access, wish.id);
  } else if (printTimeline) {
    const format = timelineFormatter(() => new Date());
    for (const event of standing.cancellation?.timeline ?? []) console.log(format(event));
  }
  const verdict = verdictOn(standing, options.wait === true || asked.timedOut);
  if (options.json === true) printJson(standing.json);
  else printVerdict(verdict.sentence, standing, options);
  process.exitCode = verdict.exitCode;
}

/** Asks for the cancellation. Answers also where the RPC itself refuses: a cancel that came too late, or that takes its time. */
async function ask(
  connection: Connection,
  access: KindAccess,
  wish: CancelWish,
  deadline: number | null,
  willFollow: boolean,
): Promise<{ readonly standing: Standing; readonly timedOut: boolean }> {
  const isBrief = willFollow && access.kind === Kind.PROCESS_INSTANCE;
  const left = deadline === null ? ANSWER : Math.max(1, deadline - Date.now());
  try {
    const timeoutMs = isBrief ? Math.min(ANSWER_BEFORE_FOLLOWING, left) : left;
    return { standing: await access.cancel(connection, wish, { timeoutMs }), timedOut: false };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const timedOut = isTimeout(error);
    const reason = reasonOf(error);
    if (!timedOut && reason !== "ALREADY_CANCELLED" && reason !== "ALREADY_FINISHED") throw error;
    const standing = await readStanding(connection, access, wish.id);
    if (!timedOut || standing.cancellation !== null) return { standing, timedOut };
    // No answer and nothing recorded: the request got lost or is slow, and nothing may be called cancelled.
    if (!isBrief) throw error;
    return ask(connection, access, wish, deadline, false);
  }
}

/** Follows the timeline until the cancellation has ended or the deadline has passed. */
async function followToEnd(
  { cancellations }: Connection,
  cancellationId: string,
  deadline: number | null,
  print: boolean,
): Promise<void> {
  const signal =
    deadline === null ? new AbortController().signal : AbortSignal.timeout(Math.max(1, deadline - Date.now()));
  const format = timelineFormatter(() => new Date());
  const open = (afterSequence: bigint, abort: AbortSignal) =>
    cancellations.watchCancellation({ cancellationId, afterSequence }, { signal: abort });
  const onLost = () => console.error("belay: lost the server; the cancellation is durable. Reconnecting…");
  try {
    for await (const event of follow(open, signal, onLost)) {
      if (print) console.log(format(event));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function printVerdict(sentence: string, { cancellation }: Standing, options: CancelOptions): void {
  console.log(printable(sentence));
  if (options.wait === true || !isUnderWay(cancellation)) return;
  console.log(factList(cancellationFacts(cancellation)));
  console.log(`\nFollow it with: belay watch --cancellation ${cancellation.id}`);
}
