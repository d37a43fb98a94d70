/** The crash test over SQLite: one server, killed at random moments and started again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import { type CrashReport, type CrashRun, crash, runCrashes } from "./crash_run.ts";
import { startCrashServer } from "./crash_server.ts";

export async function crashOverSqlite(run: CrashRun): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), "belay-crash-"));
  try {
    const database = join(folder, "belay.db");
    const server = await startCrashServer(["--db", database]);
    const report = await runCrashes(
      {
        servers: [server],
        breakSomething: async (random) => {
          const what = await crash(server, random, run.longestPeace);
          await server.start();
          return what;
        },
        openStore: () => openSqliteStore(database),
      },
      run,
    );
    // Here nothing can go wrong that a server has to tell of.
    const logged = server.log().map((line) => `the server logged: ${line}`);
    return { ...report, findings: [...report.findings, ...logged] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
