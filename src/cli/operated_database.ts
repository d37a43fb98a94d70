/** The database that an operator's command works on: a SQLite file or a PostgreSQL database. */
import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { DatabasePlace } from "../store/inspection/open.ts";
import { StoreOpenError } from "../store/store_open_error.ts";
import { parseDatabase } from "./database_option.ts";
import { type DatabaseUrlOptions, databaseUrlOf, databaseUrlOption } from "./database_url_option.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";

export interface OperatedDatabaseOptions extends DatabaseUrlOptions {
  readonly db?: string;
}

/** `--db` and `--database-url`. */
export function addDatabaseOptions(command: Command): Command {
  return command.addOption(databaseFileOption()).addOption(databaseUrlOption());
}

export function databaseFileOption(): Option {
  return new Option("--db <path>", "the SQLite file").env("BELAY_DB").argParser(parseFile);
}

function parseFile(text: string): string {
  if (text === ":memory:") {
    throw new InvalidArgumentError("It must be the path of a file: what is in memory ends with its server.");
  }
  return parseDatabase(text);
}

/** As for `belay serve`: the URL counts where both are set, unless both are given as options. */
export function operatedDatabaseOf(command: Command, options: OperatedDatabaseOptions): DatabasePlace {
  const isGiven = (name: string): boolean => command.getOptionValueSource(name) === "cli";
  if (isGiven("db") && isGiven("databaseUrl")) {
    throw new CommandFailure("give either --db or --database-url: it works on one database", EXIT.usage);
  }
  const url = isGiven("db") ? null : databaseUrlOf(options);
  if (url !== null) return { type: "postgres", url };
  if (options.db !== undefined) return { type: "sqlite", path: options.db };
  throw new CommandFailure("give --db or --database-url: the database that the server has", EXIT.usage);
}

/** Throws unless the file is there. */
export function expectDatabaseFile(path: string): void {
  if (existsSync(path)) return;
  throw new CommandFailure(`there is no database ${path}: give the path that the server has as its --db`, EXIT.usage);
}

/** What is wrong with a database, as the failure of the command. */
export function databaseFailureOf(error: unknown): unknown {
  return error instanceof StoreOpenError ? new CommandFailure(error.message, EXIT.usage, { cause: error }) : error;
}
