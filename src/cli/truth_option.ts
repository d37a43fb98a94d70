/** Truth on the command line and in the environment. */
import { InvalidArgumentError } from "commander";

export function parseTruth(text: string): boolean {
  if (text === "true") return true;
  if (text === "false") return false;
  throw new InvalidArgumentError("It must be true or false.");
}
