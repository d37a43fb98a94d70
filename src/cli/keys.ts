/** `belay keys`: the keys that callers show. */
import { Command } from "commander";
import { createKeyCommand } from "./keys_create.ts";
import { listKeysCommand } from "./keys_list.ts";
import { revokeKeyCommand } from "./keys_revoke.ts";

const EXAMPLES = `
Examples:
  KEY=$(belay keys create --scope 'cancel:*,executions:read' --description "incident bot")
  belay keys list
  belay keys revoke 0197c3a2-5a10-7c33-8d5e-0c7f2f3a9b11

The first key is made on the machine of the server: with --db while it does not run, or over the loopback interface, where a server
without credentials lets everybody in. From the first key on, every call needs one.`;

export function keysCommand(): Command {
  return new Command("keys")
    .description("Make, list and revoke the keys that callers show.")
    .addCommand(createKeyCommand())
    .addCommand(listKeysCommand())
    .addCommand(revokeKeyCommand())
    .addHelpText("after", EXAMPLES);
}
