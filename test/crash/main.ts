// The crash tests in full length. Chance can be had again, the times at which things happen can't.
//
//   npm run test:crash                                    200 crashes over SQLite, 60 over PostgreSQL, with a new seed
//   npm run test:crash -- --seed 7 --over sqlite          with this one, over one of them
//   npm run test:crash -- --rounds 20
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import type { CrashReport } from "./crash_run.ts";
import { crashOverPostgres } from "./postgres_crash.ts";
import { crashOverSqlite } from "./sqlite_crash.ts";

// So that what it started ends too.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    rounds: { type: "string" },
    over: { type: "string" },
  },
});
const { over = "both" } = values;
const [seed, rounds] = [Number(values.seed), values.rounds === undefined ? null : Number(values.rounds)];
if (!Number.isInteger(seed) || (rounds !== null && !Number.isInteger(rounds))) {
  console.error("--seed and --rounds take a whole number each");
  process.exit(2);
}
if (!["sqlite", "postgres", "both"].includes(over)) {
  console.error(`--over takes sqlite or postgres, not ${over}`);
  process.exit(2);
}
const longestPeace = 2_000;
const onRound = (round: number, what: string): void => {
  console.log(`  ${Math.round(performance.now() / 1000)} s, crash ${round}: ${what}`);
};

function print(name: string, { findings, executions, cancels }: CrashReport): void {
  console.log(`${name}: ${executions} executions, ${cancels} cancels, ${findings.length} findings`);
  for (const finding of findings) console.error(finding);
  if (findings.length > 0) process.exitCode = 1;
}

console.log(`crash tests: seed ${seed}`);
if (over !== "postgres") {
  print("SQLite", await crashOverSqlite({ seed, rounds: rounds ?? 200, longestPeace, onRound }));
}
if (over !== "sqlite") {
  print("PostgreSQL", await crashOverPostgres({ seed, rounds: rounds ?? 60, longestPeace, onRound }));
}
// Not left to the event loop: connections may still be ending.
process.exit();
