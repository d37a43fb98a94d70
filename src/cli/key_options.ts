/** The keys that `belay serve` is given: on the command line, or one a line in a file. */
import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import type { KeyGrant } from "../rpc/keys.ts";

/** Shorter ones can be guessed. */
const MIN_LENGTH = 16;

/** "KEY" */
export function parseKey(text: string, before: readonly KeyGrant[] = []): KeyGrant[] {
  return [...before, grantOf(text, before.length + 1)];
}

/** Lines of "KEY [NAME [PERMISSION,…]]"; empty lines and those that begin with # are passed over. */
export function parseKeyFile(path: string): KeyGrant[] {
  return linesOf(path).map((line, index) => grantOf(line, index + 1));
}

function linesOf(path: string): string[] {
  const text = read(path);
  if (text instanceof Error) throw new InvalidArgumentError(`It can't be read: ${text.message}.`);
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

function read(path: string): string | Error {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function grantOf(line: string, number: number): KeyGrant {
  const [key = "", name = `key-${number}`, permissions] = line.split(/\s+/);
  if (key.length < MIN_LENGTH) {
    throw new InvalidArgumentError(`Key ${number} is shorter than ${MIN_LENGTH} characters: take a longer one.`);
  }
  return { key, name, permissions: permissions?.split(",") ?? null };
}
