/** How long this disk takes to make one row durable: what every durable cancel stands on. */
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { median } from "./statistics.ts";

const COMMITS = 200;

/** The median time of a transaction that inserts one row, in milliseconds: SQLite, WAL, synchronous=FULL, as Belay has it. */
export function measureCommit(folder: string): number {
  const database = new BetterSqlite3(join(folder, "commit_time.db"));
  try {
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.exec("create table if not exists row (id integer primary key, body text not null) strict");
    const insert = database.prepare("insert into row (body) values (?)");
    const body = "x".repeat(100);
    const times = Array.from({ length: COMMITS }, () => {
      const startedAt = performance.now();
      insert.run(body);
      return performance.now() - startedAt;
    });
    return median(times);
  } finally {
    database.close();
  }
}
