/** `belay watch`: a timeline as it grows. */
import { toJson } from "@bufbuild/protobuf";
import { Command } from "commander";
import { TimelineEventSchema } from "../../gen/belay/v1/cancellation_pb.ts";
import { addressOption, type Connection, withConnection } from "./connection.ts";
import { EXIT, EXIT_CODES } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { follow, type OpenStream } from "./follow.ts";
import { printJsonLine } from "./json_output.ts";
import { KIND_WORDS, parseKind } from "./kinds/all_kinds.ts";
import type { KindAccess } from "./kinds/kind_access.ts";
import { timelineFormatter } from "./timeline.ts";

interface WatchOptions {
  readonly address: string;
  readonly cancellation?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  belay watch process p-1
  belay watch --cancellation 0197c3a2-5a10-7c33-8d5e-0c7f2f3a9b11
  belay watch workflow-run run_7 --json | jq -r .message`;

export function watchCommand(): Command {
  return new Command("watch")
    .description("Follow what happens to an execution or a cancellation, from the beginning until it has ended.")
    .argument("[kind]", `one of ${KIND_WORDS}`, parseKind)
    .argument("[id]", "its id")
    .option("--cancellation <id>", "watch this cancellation instead")
    .option("--json", "print each event as one line of JSON")
    .addOption(addressOption())
    .addHelpText("after", `${EXAMPLES}\n${EXIT_CODES}`)
    .action(async (access: KindAccess | undefined, id: string | undefined, options: WatchOptions) => {
      const { cancellation: cancellationId } = options;
      if (cancellationId !== undefined && access === undefined) {
        await watch(options, ({ cancellations }) => (afterSequence, signal) => {
          return cancellations.watchCancellation({ cancellationId, afterSequence }, { signal });
        });
      } else if (cancellationId === undefined && access !== undefined && id !== undefined) {
        const execution = { kind: access.kind, id };
        await watch(options, ({ executions }) => (afterSequence, signal) => {
          return executions.watchExecution({ execution, afterSequence }, { signal });
        });
      } else {
        throw new CommandFailure("give either a kind and an id, or --cancellation and its id", EXIT.usage);
      }
    });
}

async function watch({ address, json }: WatchOptions, opener: (connection: Connection) => OpenStream): Promise<void> {
  const format = timelineFormatter(() => new Date());
  const never = new AbortController().signal;
  await withConnection(address, async (connection) => {
    for await (const event of follow(opener(connection), never, () =>
      console.error("belay: lost the server; reconnecting…"),
    )) {
      if (json === true) printJsonLine(toJson(TimelineEventSchema, event));
      else console.log(format(event));
    }
  });
}
