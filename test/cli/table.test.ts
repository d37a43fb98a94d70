import { expect, it } from "vitest";
import { factList, table } from "../../src/cli/table.ts";

it("makes each column as wide as its widest cell, and ends no line in spaces", () => {
  const columns = [
    { title: "ID", cell: (item: { id: string; note: string }) => item.id },
    { title: "NOTE", cell: (item: { id: string; note: string }) => item.note },
    { title: "END", cell: () => "" },
  ];

  const text = table(columns, [
    { id: "a", note: "long note" },
    { id: "longer-id", note: "" },
  ]);

  expect(text.split("\n")).toEqual(["ID         NOTE       END", "a          long note", "longer-id"]);
});

it("aligns facts behind their names", () => {
  expect(
    factList([
      ["state", "running"],
      ["stop proof", "none"],
    ]),
  ).toBe("  state       running\n  stop proof  none");
});

it("keeps a line break in a value from breaking the table", () => {
  expect(factList([["reason", "a\nb"]])).toBe("  reason  a\\nb");
});
