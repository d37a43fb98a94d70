import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { printDialectTables } from "../../scripts/print-dialect-tables.ts";

it("docs/dialects.md says what the dialects declare and answer; if not, run scripts/dialect-tables.ts", () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../docs/dialects.md"), "utf8");

  const [, tables] = page.split("<!-- Below: made by scripts/dialect-tables.ts from src/rest. -->\n\n");

  expect(tables).toBe(printDialectTables());
});
