/** A SQLite file of its own for each test of a file. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";

export interface DatabaseFile {
  /** Where the file is, or will be. */
  readonly path: string;
  /** A folder with nothing else in it. It goes with all that is put there. */
  readonly folder: string;
}

/** To be called outside of the tests. What it returns is about the test that runs. */
export function databaseFile(): DatabaseFile {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "belay-test-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  return {
    get path() {
      return join(folder, "belay.db");
    },
    get folder() {
      return folder;
    },
  };
}
