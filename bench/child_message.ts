/** What a forked process has to say to its parent. */
import type { ChildProcess } from "node:child_process";

/** The next message, as text. Rejects if the process ends first. */
export function nextMessage(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      child.off("exit", onExit);
      resolve(String(message));
    };
    const onExit = (code: number | null, signal: string | null): void => {
      child.off("message", onMessage);
      reject(new Error(`${child.spawnfile} ${child.spawnargs[1]} ended (${code ?? signal})`));
    };
    child.once("message", onMessage);
    child.once("exit", onExit);
  });
}
