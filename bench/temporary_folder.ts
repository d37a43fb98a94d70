/** A folder for databases, on the disk of the results. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RESULTS } from "./result_file.ts";

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** It is gone when the process ends, however it ends. */
export function makeTemporaryFolder(): TemporaryFolder {
  mkdirSync(RESULTS, { recursive: true });
  const path = mkdtempSync(join(RESULTS, "databases-"));
  const remove = (): void => {
    process.off("exit", remove);
    rmSync(path, { recursive: true, force: true });
  };
  process.once("exit", remove);
  return { path, remove };
}
