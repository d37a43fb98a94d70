import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findSyntaxFault } from "../../src/rpc/json_syntax.ts";

describe("the place where a text stops being JSON", () => {
  it.each([
    ["", 0, "end"],
    ["  ", 2, "end"],
    ["{", 1, "end"],
    ['{"a":', 5, "end"],
    ['{"a":1', 6, "end"],
    ['{"a":1,}', 7, '"}"'],
    ['{"a":abc}', 5, '"a"'],
    ["{a:1}", 1, '"a"'],
    ["{'a':1}", 1, '"\'"'],
    ['{"a" 1}', 5, '"1"'],
    ["[1 2]", 3, '"2"'],
    ["[1,]", 3, '"]"'],
    ["01", 1, '"1"'],
    ["1.", 1, '"."'],
    ["truefalse", 4, '"f"'],
    ['"open', 0, '"\\""'],
    ["{}{}", 2, '"{"'],
    ["[}", 1, '"}"'],
    ["reason=x", 0, '"r"'],
  ])("%j", (text, offset, found) => {
    expect(findSyntaxFault(text)).toMatchObject({ offset, found });
  });

  it("is counted in lines and columns from 1", () => {
    expect(findSyntaxFault('{\n  "reason": oops\n}')).toMatchObject({ line: 2, column: 13 });
  });

  it.each([
    ["characters", "a".repeat(500_000)],
    ["escapes", "\\n".repeat(250_000)],
    ["both", "a\\n".repeat(150_000)],
  ])("is found at once in a long string of %s without an end", (_name, text) => {
    expect(findSyntaxFault(`"${text}`)).toMatchObject({ offset: 0, found: '"\\""' });
    expect(findSyntaxFault(`"${text}"`)).toBeNull();
  });

  it("is nowhere in what JSON.parse accepts, and somewhere in what it refuses", () => {
    const fragments = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"\\u00e9\\n"',
      "0",
      "-1.5e3",
      "true",
      "null",
      " ",
      "\n",
      "x",
      '"',
      "\u007f",
      "\u0001",
    );
    const texts = fc.array(fragments, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.oneof(texts, fc.json()), (text) => {
        expect(findSyntaxFault(text) === null).toBe(isJson(text));
      }),
      { numRuns: 3_000 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
