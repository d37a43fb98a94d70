/** The path of the database, on the command line. */
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InvalidArgumentError } from "commander";

/** A path in a directory that is there, or ":memory:". */
export function parseDatabase(text: string): string {
  if (text === ":memory:") return text;
  const folder = dirname(resolve(text));
  if (text === "" || statSync(text, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InvalidArgumentError("It must be the path of a file, for example /var/lib/belay/belay.db.");
  }
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InvalidArgumentError(`There is no directory ${folder}: make it first, or give another path.`);
  }
  return text;
}
