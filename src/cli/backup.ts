/** `belay backup`: copies a SQLite database, also while a server has it open. */
import { existsSync } from "node:fs";
import { Command } from "commander";
import { parseDatabase } from "./database_option.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { databaseFailureOf, databaseFileOption, expectDatabaseFile } from "./operated_database.ts";
import { keepFilesPrivate } from "./private_files.ts";

interface BackupOptions {
  readonly db: string;
  readonly to: string;
}

const HELP = `
Examples:
  belay backup --db /var/lib/belay/belay.db --to /var/backups/belay-2026-01-05.db

A server may run meanwhile, and goes on working. The copy has everything that was answered before the command began. It is checked, and
only then gets its name. To restore it, stop the server, put it in the place of the database, remove the -wal and -shm files beside that,
and start the server. PostgreSQL has tools of its own: see docs/operations.md.

Exit codes:
  0  the copy is there          2  wrong usage, or the copy can't be made
  1  a fault of Belay`;

export function backupCommand(): Command {
  return new Command("backup")
    .description("Copy a SQLite database, also while a server has it open.")
    .addOption(databaseFileOption().makeOptionMandatory())
    .requiredOption("--to <file>", "the copy: a file that is not there yet", parseDatabase)
    .addHelpText("after", HELP)
    .action((options: BackupOptions) => backup(options));
}

async function backup({ db, to }: BackupOptions): Promise<void> {
  expectDatabaseFile(db);
  if (existsSync(to)) throw new CommandFailure(`${to} is there already: give another name`, EXIT.usage);
  // Only the operator's commands need the store, and loading it takes longer than the other commands run.
  const { backUp } = await import("../store/sqlite/backup.ts");
  keepFilesPrivate();
  try {
    const { bytes, executions } = backUp(db, to);
    console.log(`${to}: ${executions} executions, ${(bytes / 1_000_000).toFixed(1)} MB, checked`);
  } catch (error) {
    throw databaseFailureOf(error);
  }
}
