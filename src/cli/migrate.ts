/** `belay migrate`: brings a database up to date without serving. */
import { Command } from "commander";
import type { DatabasePlace } from "../store/inspection/open.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import {
  addDatabaseOptions,
  databaseFailureOf,
  type OperatedDatabaseOptions,
  operatedDatabaseOf,
} from "./operated_database.ts";
import { keepFilesPrivate } from "./private_files.ts";

interface MigrateOptions extends OperatedDatabaseOptions {
  readonly check?: boolean;
}

const HELP = `
Examples:
  belay migrate --db /var/lib/belay/belay.db
  belay migrate --database-url postgres://belay@db.example.com/belay
  belay migrate --check --db /var/lib/belay/belay.db

A server does the same when it starts. Over SQLite, none may have the file open meanwhile; over PostgreSQL, the replicas of the version
before go on working.

Exit codes:
  0  the database is up to date, or is now
  1  a fault of Belay
  2  wrong usage, or the database can't be opened or migrated, or is newer than this Belay
 12  --check: there is something to do`;

export function migrateCommand(): Command {
  const command = new Command("migrate").description("Bring a database up to date, without serving.");
  return addDatabaseOptions(command)
    .option("--check", "only say what would be done")
    .addHelpText("after", HELP)
    .action((options: MigrateOptions) => migrate(operatedDatabaseOf(command, options), options.check === true));
}

async function migrate(place: DatabasePlace, isCheck: boolean): Promise<void> {
  // Only the operator's commands need the store, and loading it takes longer than the other commands run.
  const { bringUpToDate, pendingMigrations } = await import("../store/bring_up_to_date.ts");
  keepFilesPrivate();
  try {
    const names = isCheck ? await pendingMigrations(place) : await bringUpToDate(place);
    if (names.length === 0) console.log("the database is up to date");
    else if (!isCheck) console.log(`the database is up to date now: ${names.join(", ")}`);
    else throw new CommandFailure(`the database has yet to be migrated: ${names.join(", ")}`, EXIT.notMigrated);
  } catch (error) {
    throw databaseFailureOf(error);
  }
}
