import { expect, it } from "vitest";
import { printable } from "../../src/cli/printable.ts";

it("shows control characters instead of obeying them", () => {
  expect(printable("a\u001b[2Jb\nc\u202ed")).toBe("a\\u001b[2Jb\\nc\\u202ed");
});

it("leaves letters of all scripts as they are", () => {
  expect(printable("Übergröße 実行 ✓")).toBe("Übergröße 実行 ✓");
});
