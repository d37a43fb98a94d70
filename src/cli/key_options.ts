/** The keys that `belay serve` is given: on the command line, or one a line in a file. Nothing that is said of them shows them. */
import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import type { KeyGrant } from "../gate/key_ring.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { scopesIn } from "./scope_option.ts";

/** Shorter ones can be guessed. */
const MIN_LENGTH = 16;

/** A file of keys, as it was read. */
export interface KeyFile {
  readonly path: string;
  readonly grants: readonly KeyGrant[];
}

/** Collects what stands behind each `--api-key`. `grantsOf` judges it: what a parser refuses, it shows. */
export function collectKey(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** Lines of "KEY [NAME [SCOPE,…]]"; empty lines and those that begin with # are passed over. */
export function parseKeyFile(path: string): KeyFile {
  const grants = linesOf(path).flatMap((line, index) => {
    if (line === "" || line.startsWith("#")) return [];
    const grant = grantOf(line, `line-${index + 1}`);
    if (typeof grant === "string") throw new InvalidArgumentError(`Line ${index + 1}: ${grant}`);
    return [grant];
  });
  // A file that was emptied by mistake must not open the server to everybody.
  if (grants.length === 0) throw new InvalidArgumentError("There is no key in it: write one a line, or leave it out.");
  return { path, grants };
}

function linesOf(path: string): string[] {
  const text = read(path);
  if (text instanceof Error) throw new InvalidArgumentError(`It can't be read: ${text.message}.`);
  return text.split("\n").map((line) => line.trim());
}

function read(path: string): string | Error {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** All keys, those of the command line under the names key-1, key-2, … Throws if one is too short, or two are the same. */
export function grantsOf(keys: readonly string[], file: KeyFile | undefined): KeyGrant[] {
  const fromFlags = keys.map((key, index) => {
    const grant = /\s/.test(key) ? "It has a space in it." : grantOf(key, `key-${index + 1}`);
    if (typeof grant === "string") throw usage(`key ${index + 1} of --api-key (BELAY_API_KEY) is not valid. ${grant}`);
    return grant;
  });
  const grants = [...fromFlags, ...(file?.grants ?? [])];
  for (const [index, { key, name }] of grants.entries()) {
    for (const other of grants.slice(0, index)) {
      if (other.name === name) throw usage(`two keys have the name ${name}: give each its own`);
      if (other.key === key) throw usage(`the keys ${other.name} and ${name} are the same: give each holder its own`);
    }
  }
  return grants;
}

/** The key in a line, or what is wrong with it. */
function grantOf(line: string, ownName: string): KeyGrant | string {
  const [key = "", name = ownName, words, ...more] = line.split(/\s+/);
  if (key.length < MIN_LENGTH) return `The key is shorter than ${MIN_LENGTH} characters: take a longer one.`;
  if (!/^[\x21-\x7e]+$/.test(key))
    return "The key has characters in it that a header can't carry: take letters and digits.";
  if (more.length > 0) return "There is something after the scopes: write them with commas and without spaces.";
  const scopes = words === undefined ? null : scopesIn(words);
  return typeof scopes === "string" ? scopes : { key, name, scopes };
}

function usage(message: string): CommandFailure {
  return new CommandFailure(message, EXIT.usage);
}
