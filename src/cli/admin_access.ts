/** The way to the keys and the audit log: a server, or the database file of one that does not run. */
import { existsSync } from "node:fs";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { type Command, InvalidArgumentError, Option } from "commander";
import { AuditService } from "../../gen/belay/v1/audit_service_pb.ts";
import { KeyService } from "../../gen/belay/v1/key_service_pb.ts";
import type { Offline } from "../server/offline.ts";
import { addressOption, withTransport } from "./connection.ts";
import { parseDatabase } from "./database_option.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure, failureOf } from "./failure.ts";
import { keepFilesPrivate } from "./private_files.ts";

/** Where the keys and the audit log are, as the command line says. */
export interface AdminOptions {
  readonly address: string;
  readonly db?: string;
  readonly tenant?: string;
}

export interface AdminClients {
  readonly keys: Client<typeof KeyService>;
  readonly audit: Client<typeof AuditService>;
}

/** `--tenant`, `--address` and `--db`. */
export function addAdminOptions(command: Command): Command {
  return command
    .option("--tenant <tenant>", "that of another tenant: for operators of the server")
    .addOption(addressOption())
    .addOption(
      new Option("--db <path>", "the database file of a server that does not run, instead of a server").argParser(
        parsePath,
      ),
    )
    .hook("preAction", (_, action) => {
      if (action.opts<AdminOptions>().db === undefined || action.getOptionValueSource("address") !== "cli") return;
      throw new CommandFailure(
        "give either --address or --db: a server, or its file while it does not run",
        EXIT.usage,
      );
    });
}

function parsePath(text: string): string {
  if (text === ":memory:")
    throw new InvalidArgumentError("It must be the path of a file: what is in memory ends with its server.");
  return parseDatabase(text);
}

/**
 * Talks to the server, or opens the database as its operator and closes it at the end.
 *
 * @param whenMissing "make" makes the database if it is not there, as the server would
 */
export async function withAdminAccess<T>(
  { address, db }: AdminOptions,
  whenMissing: "make" | "refuse",
  talk: (clients: AdminClients) => Promise<T>,
): Promise<T> {
  if (db === undefined) return withTransport(address, (transport) => talk(clientsOver(transport)));
  if (whenMissing === "refuse" && !existsSync(db)) {
    throw new CommandFailure(`there is no database ${db}: give the path that the server has as its --db`, EXIT.usage);
  }
  const offline = await open(db);
  try {
    return await talk(clientsOver(offline.transport));
  } catch (error) {
    throw failureOf(error, db);
  } finally {
    await offline.close();
  }
}

function clientsOver(transport: Transport): AdminClients {
  return { keys: createClient(KeyService, transport), audit: createClient(AuditService, transport) };
}

async function open(path: string): Promise<Offline> {
  // Only these few calls need the store, and loading it takes longer than a call to a server.
  const [{ openOffline }, { StoreOpenError }] = await Promise.all([
    import("../server/offline.ts"),
    import("../store/store_open_error.ts"),
  ]);
  keepFilesPrivate();
  try {
    return await openOffline(path);
  } catch (error) {
    throw error instanceof StoreOpenError ? unopened(error) : error;
  }
}

function unopened(error: Error): CommandFailure {
  const message = `${error.message}. If a server runs on it, talk to that one: --address`;
  return new CommandFailure(message, EXIT.usage, { cause: error });
}
