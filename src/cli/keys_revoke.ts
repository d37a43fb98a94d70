/** `belay keys revoke`: ends a key for good. */
import { toJson } from "@bufbuild/protobuf";
import { Command } from "commander";
import { RevokeKeyResponseSchema } from "../../gen/belay/v1/key_service_pb.ts";
import { type AdminOptions, addAdminOptions, withAdminAccess } from "./admin_access.ts";
import { READ_TIMEOUT } from "./connection.ts";
import { EXIT_CODES } from "./exit_code.ts";
import { printJson } from "./json_output.ts";
import { sent } from "./kinds/kind_access.ts";
import { printable } from "./printable.ts";

interface RevokeOptions extends AdminOptions {
  readonly json?: boolean;
}

const EXAMPLES = `
Example:
  belay keys revoke 0197c3a2-5a10-7c33-8d5e-0c7f2f3a9b11`;

export function revokeKeyCommand(): Command {
  const command = new Command("revoke")
    .description("Revoke a key for good: within a second nobody can call with it, and its open streams end.")
    .argument("<key-id>", "the id of the key, as `belay keys list` shows it")
    .option("--json", "print the key as one JSON document");
  return addAdminOptions(command)
    .addHelpText("after", `${EXAMPLES}\n${EXIT_CODES}`)
    .action((keyId: string, options: RevokeOptions) => revokeKey(keyId, options));
}

async function revokeKey(keyId: string, options: RevokeOptions): Promise<void> {
  const { tenant = "", json } = options;
  const response = await withAdminAccess(options, "refuse", ({ keys }) =>
    keys.revokeKey({ keyId, tenant }, { timeoutMs: READ_TIMEOUT }),
  );
  if (json === true) printJson(toJson(RevokeKeyResponseSchema, response));
  else console.log(printable(`key ${sent(response.key, "key").keyId} is revoked`));
}
