/** Copies a SQLite database while a server has it open. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { StoreOpenError } from "../store_open_error.ts";

export interface Backup {
  /** Its size. */
  readonly bytes: number;
  /** How many executions are in it. */
  readonly executions: number;
}

/**
 * Writes the database at `from`, as it stands at one moment, to the new file `to`. Under that name it is whole and checked, or not there at
 * all. Throws a StoreOpenError, and leaves nothing behind, if that can't be done.
 */
export function backUp(from: string, to: string): Backup {
  const partial = `${to}.${process.pid}.partial`;
  try {
    if (existsSync(to)) throw new Error(`${to} is there already`);
    copy(from, partial);
    const executions = check(partial);
    flush(partial);
    renameSync(partial, to);
    flush(dirname(resolve(to)));
    return { bytes: statSync(to).size, executions };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreOpenError(`can't back up ${from} to ${to}: ${why}`, { cause: error });
  } finally {
    rmSync(partial, { force: true });
    // Left by a check that could not end.
    rmSync(`${partial}-journal`, { force: true });
  }
}

/** One long read, which no writer waits for. SQLite's backup interface would start again with every write of the server. */
function copy(from: string, to: string): void {
  const database = new BetterSqlite3(from, { readonly: true, fileMustExist: true, timeout: 5_000 });
  try {
    database.prepare("vacuum into ?").run(to);
  } finally {
    database.close();
  }
}

/** Throws if the copy is not whole, or is not a database of Belay. */
function check(path: string): number {
  const database = new BetterSqlite3(path, { readonly: true, fileMustExist: true });
  try {
    const faults = database.prepare<[], { integrity_check: string }>("pragma integrity_check").all();
    const [fault] = faults.filter(({ integrity_check }) => integrity_check !== "ok");
    if (fault !== undefined) throw new Error(`the copy is not whole: ${fault.integrity_check}`);
    const row = database.prepare<[], { executions: number }>("select count(*) as executions from execution").get();
    return row?.executions ?? 0;
  } finally {
    database.close();
  }
}

/** Waits until it is on the disk: a file's content, or a folder's names. */
function flush(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
