/**
 * The program of the checkpoint thread: copies what was committed from the log into the database, a little at a time, so that the writer,
 * who does that when the log has grown long, finds next to nothing left to copy.
 */
import { parentPort, workerData } from "node:worker_threads";
import BetterSqlite3 from "better-sqlite3";
import type { Millis } from "../../domain/time.ts";

/** How often. Nothing to copy is no work. */
const EVERY: Millis = 200;

if (parentPort === null) throw new Error("this is no program of its own: a store starts it as a thread");
const port = parentPort;

const { path }: { readonly path: string } = workerData;
// One that the writer is about has its turn another time.
const database = new BetterSqlite3(path, { fileMustExist: true, timeout: 0 });
const timer = setInterval(checkpoint, EVERY);
// Told to end.
port.once("message", () => {
  clearInterval(timer);
  database.close();
});

function checkpoint(): void {
  try {
    database.pragma("wal_checkpoint(PASSIVE)");
  } catch (error) {
    // What the disk does not take now may go later; the writer tells its callers what it can't write.
    if (!(error instanceof BetterSqlite3.SqliteError)) throw error;
  }
}
