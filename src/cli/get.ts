/** `belay get`: one execution, or one cancellation. */
import { toJson } from "@bufbuild/protobuf";
import { Command } from "commander";
import { type Cancellation, CancellationSchema } from "../../gen/belay/v1/cancellation_pb.ts";
import { cancellationFacts } from "./cancellation_facts.ts";
import { addressOption, type Connection, READ_TIMEOUT, withConnection } from "./connection.ts";
import { executionFacts } from "./execution_facts.ts";
import { EXIT_CODES } from "./exit_code.ts";
import { printJson } from "./json_output.ts";
import { KIND_WORDS, nameOf, parseKind } from "./kinds/all_kinds.ts";
import type { KindAccess } from "./kinds/kind_access.ts";
import { bold } from "./paint.ts";
import { printable } from "./printable.ts";
import { readCancellation } from "./standing.ts";
import { factList } from "./table.ts";
import { timelineFormatter } from "./timeline.ts";

interface GetOptions {
  readonly address: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  belay get process p-1
  belay get workflow-run run_7 --json
  belay get cancellation 0197c3a2-5a10-7c33-8d5e-0c7f2f3a9b11`;

export function getCommand(): Command {
  return new Command("get")
    .description("Show an execution and its latest cancellation, or a cancellation by its own id.")
    .argument("<kind>", `one of ${KIND_WORDS}, cancellation`, parseSubject)
    .argument("<id>", "its id")
    .option("--json", "print it as one JSON document")
    .addOption(addressOption())
    .addHelpText("after", `${EXAMPLES}\n${EXIT_CODES}`)
    .action(async (subject: KindAccess | "cancellation", id: string, { address, json }: GetOptions) => {
      await withConnection(address, async (connection) => {
        if (subject === "cancellation") await showCancellation(connection, id, json === true);
        else await showExecution(connection, subject, id, json === true);
      });
    });
}

function parseSubject(text: string): KindAccess | "cancellation" {
  return text.toLowerCase() === "cancellation" ? "cancellation" : parseKind(text);
}

async function showExecution(connection: Connection, access: KindAccess, id: string, json: boolean): Promise<void> {
  const { execution, facts, json: document } = await access.get(connection, id, { timeoutMs: READ_TIMEOUT });
  if (json) {
    printJson(document);
    return;
  }
  console.log(bold(printable(nameOf(execution.ref))));
  console.log(factList([...executionFacts(execution), ...facts]));
  if (execution.cancellation === undefined) return;
  console.log(`\n${factList(cancellationFacts(execution.cancellation))}`);
  printTimeline(await readCancellation(connection, execution.cancellation.id));
}

async function showCancellation(connection: Connection, id: string, json: boolean): Promise<void> {
  const cancellation = await readCancellation(connection, id);
  if (json) {
    printJson(toJson(CancellationSchema, cancellation));
    return;
  }
  console.log(bold(printable(`cancellation of ${nameOf(cancellation.execution)}`)));
  console.log(factList(cancellationFacts(cancellation)));
  printTimeline(cancellation);
}

function printTimeline({ timeline }: Cancellation): void {
  const format = timelineFormatter(() => new Date());
  console.log();
  for (const event of timeline) console.log(format(event));
}
