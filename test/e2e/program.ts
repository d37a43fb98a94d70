/** Programs of other people, run as a user runs them. */
import { execFile } from "node:child_process";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Rejects if it can't be started or a signal ends it. */
export function run(file: string, args: readonly string[], cwd: string): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = execFile(file, args, { cwd }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") failed(error);
      else done({ exitCode: child.exitCode ?? -1, stdout, stderr });
    });
    child.stdin?.end();
  });
}
