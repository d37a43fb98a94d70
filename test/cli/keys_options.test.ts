import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { grantsOf, parseKeyFile } from "../../src/cli/key_options.ts";
import { parseRate } from "../../src/cli/rate_option.ts";
import { scopesIn } from "../../src/cli/scope_option.ts";
import { millisOfSpan } from "../../src/cli/span.ts";
import { temporaryFolder } from "./belay_command.ts";

const KEY = "a-key-of-sufficient-length";
const OTHER = "another-key-of-sufficient-length";

function fileOf(text: string): string {
  const path = join(temporaryFolder(), "keys");
  writeFileSync(path, text);
  return path;
}

describe("scopes on the command line", () => {
  it("are taken each once, and with kinds as the commands write them", () => {
    expect(scopesIn("executions:read, cancel:process-instance,executions:read")).toEqual([
      "executions:read",
      "cancel:process_instance",
    ]);
  });

  it.each([
    { text: "cancel:proces", nearest: "cancel:process" },
    { text: "execution:write", nearest: "executions:write" },
    { text: "wroker", nearest: "worker" },
    { text: "cancel", nearest: "cancel:*" },
  ])("are named when one is unknown, $nearest before all others for $text", ({ text, nearest }) => {
    expect(String(scopesIn(text)).startsWith(`"${text}" is no scope. Scopes are ${nearest}, `)).toBe(true);
  });
});

describe("a file of keys", () => {
  it("has a key, a name and scopes in a line", () => {
    const path = fileOf(`# keys\n\n${KEY} ops\n${OTHER} viewer executions:read,worker\r\n`);

    expect(parseKeyFile(path)).toEqual({
      path,
      grants: [
        { key: KEY, name: "ops", scopes: null },
        { key: OTHER, name: "viewer", scopes: ["executions:read", "worker"] },
      ],
    });
  });

  it.each([
    { text: `# keys\n${KEY} ops workflows_run`, says: /^Line 2: "workflows_run" is no scope/ },
    { text: "short", says: /^Line 1: The key is shorter than 16 characters/ },
    { text: `${KEY} ops worker admin`, says: /^Line 1: There is something after the scopes/ },
    { text: "kéy-of-sufficient-length", says: /^Line 1: The key has characters in it/ },
    { text: "# none\n", says: /^There is no key in it/ },
  ])("is refused with its line, and without showing the key: $text", ({ text, says }) => {
    const path = fileOf(text);

    expect(() => parseKeyFile(path)).toThrow(says);
    expect(() => parseKeyFile(path)).not.toThrow(/of-sufficient-length|short$/);
  });
});

describe("all keys together", () => {
  it("have names of their own, those without one too", () => {
    const file = parseKeyFile(fileOf(OTHER));

    expect(grantsOf([KEY], file).map(({ name }) => name)).toEqual(["key-1", "line-1"]);
  });

  it.each([
    { keys: [KEY, KEY], text: OTHER, says: /the keys key-1 and key-2 are the same/ },
    { keys: [KEY], text: `${OTHER} key-1`, says: /two keys have the name key-1/ },
    { keys: [`${KEY} with space`], text: OTHER, says: /key 1 of --api-key .* is not valid. It has a space in it./ },
  ])("are refused: $says", ({ keys, text, says }) => {
    const file = parseKeyFile(fileOf(text));

    expect(() => grantsOf(keys, file)).toThrow(says);
  });
});

describe("rates and spans", () => {
  it("are read", () => {
    expect(parseRate("6000/1m")).toEqual({ calls: 6000, period: 60_000 });
    expect(millisOfSpan("90d")).toBe(7_776_000_000);
  });

  it.each(["0/1s", "100", "100/s", "100/0s", "1/2d", "1/1s/1s", "-1/1s", "99999999999/1s"])("refuses %j", (text) => {
    expect(() => parseRate(text)).toThrow(/such as 100\/1s or 6000\/1m/);
  });
});
