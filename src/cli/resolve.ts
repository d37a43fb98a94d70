/** `belay resolve`: lets a cancellation go on whose listener ran out of retries. */
import { toJson } from "@bufbuild/protobuf";
import { Command } from "commander";
import { ResolveIncidentResponseSchema } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { waitsFor } from "./cancellation_facts.ts";
import { addressOption, READ_TIMEOUT, withConnection } from "./connection.ts";
import { EXIT_CODES } from "./exit_code.ts";
import { printJson } from "./json_output.ts";
import { nameOf } from "./kinds/all_kinds.ts";
import { sent } from "./kinds/kind_access.ts";
import { wholeNumber } from "./number_option.ts";
import { printable } from "./printable.ts";

interface ResolveOptions {
  readonly address: string;
  readonly retries: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  belay list cancellations --pending
  belay resolve 0197c3a2-5a10-7c33-8d5e-0c7f2f3a9b11 --retries 3`;

export function resolveCommand(): Command {
  return new Command("resolve")
    .description("Give the listener of an incident new retries, once its cause is mended: the cancellation goes on.")
    .argument("<cancellation-id>", "the id of the cancellation")
    .option("--retries <n>", "how often the listener may be tried again", wholeNumber(1, 1000), 1)
    .option("--json", "print the cancellation as one JSON document")
    .addOption(addressOption())
    .addHelpText("after", `${EXAMPLES}\n${EXIT_CODES}`)
    .action(async (cancellationId: string, { address, retries, json }: ResolveOptions) => {
      await withConnection(address, async ({ cancellations }) => {
        const response = await cancellations.resolveIncident({ cancellationId, retries }, { timeoutMs: READ_TIMEOUT });
        if (json === true) {
          printJson(toJson(ResolveIncidentResponseSchema, response));
          return;
        }
        const cancellation = sent(response.cancellation, "cancellation");
        console.log(
          printable(`the cancellation of ${nameOf(cancellation.execution)} goes on: ${waitsFor(cancellation)}`),
        );
      });
    });
}
