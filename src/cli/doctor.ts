/** `belay doctor`: checks that a database agrees with itself. */
import type { JsonValue } from "@bufbuild/protobuf";
import { Command } from "commander";
import type { Check } from "../store/inspection/finding.ts";
import type { Inspection } from "../store/inspection/inspect.ts";
import type { DatabasePlace } from "../store/inspection/open.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { printJson } from "./json_output.ts";
import {
  addDatabaseOptions,
  databaseFailureOf,
  expectDatabaseFile,
  type OperatedDatabaseOptions,
  operatedDatabaseOf,
} from "./operated_database.ts";
import { green, red } from "./paint.ts";
import { printable } from "./printable.ts";

interface DoctorOptions extends OperatedDatabaseOptions {
  readonly json?: boolean;
}

const HELP = `
Examples:
  belay doctor --db /var/lib/belay/belay.db
  belay doctor --database-url postgres://belay@db.example.com/belay --json | jq '.checks[].findings[]'

It reads the whole database as it stands at one moment, and writes nothing. A server may run meanwhile, and goes on working.

Exit codes:
  0  nothing was found
  1  a fault of Belay
  2  wrong usage, or the database can't be opened, or has yet to be migrated
 11  something does not fit: each finding says where and what`;

export function doctorCommand(): Command {
  const command = new Command("doctor").description(
    "Check that a database agrees with itself, and that all cancellations go on.",
  );
  return addDatabaseOptions(command)
    .option("--json", "print the checks as one JSON document")
    .addHelpText("after", HELP)
    .action((options: DoctorOptions) => doctor(operatedDatabaseOf(command, options), options.json === true));
}

async function doctor(place: DatabasePlace, isJson: boolean): Promise<void> {
  if (place.type === "sqlite") expectDatabaseFile(place.path);
  // Only the operator's commands need the store, and loading it takes longer than the other commands run.
  const { inspectDatabase } = await import("../store/inspection/inspect.ts");
  try {
    const inspection = await inspectDatabase(place);
    if (isJson) printJson(documentOf(inspection));
    else print(inspection);
    const found = inspection.checks.reduce((sum, check) => sum + check.found, 0);
    if (found > 0) throw new CommandFailure(found === 1 ? "1 finding" : `${found} findings`, EXIT.unsound);
  } catch (error) {
    throw databaseFailureOf(error);
  }
}

function print({ isServed, checks }: Inspection): void {
  for (const check of checks) {
    console.log(lineOf(check));
    for (const { where, what } of check.findings) console.log(`  ${printable(`${where}: ${what}`)}`);
    if (check.found > check.findings.length) console.log(`  and ${check.found - check.findings.length} more`);
  }
  console.log(isServed ? "a server has the database open" : "no server has the database open");
}

/** "ok     executions: 1204, columns agree with their JSON" */
function lineOf({ name, promise, looked, found }: Check): string {
  const verdict = found === 0 ? green("ok".padEnd(6)) : red("FOUND ");
  return `${verdict} ${name}: ${looked}, ${promise}`;
}

function documentOf({ isServed, checks }: Inspection): JsonValue {
  return {
    served: isServed,
    sound: checks.every(({ found }) => found === 0),
    checks: checks.map(({ name, promise, looked, found, findings }) => ({
      name,
      promise,
      looked,
      found,
      findings: findings.map(({ where, what }) => ({ where, what })),
    })),
  };
}
