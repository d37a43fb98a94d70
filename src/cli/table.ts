/** Aligned text: tables with a heading, and facts with a name before each. */
import { dim, type Paint, plain } from "./paint.ts";
import { printable } from "./printable.ts";

/** A cell or a fact's value: text, and how to paint it. */
export interface Cell {
  readonly text: string;
  readonly paint: Paint;
}

export interface Column<T> {
  readonly title: string;
  readonly cell: (item: T) => Cell | string;
}

/** A name and its value, for a list of facts. */
export type Fact = readonly [name: string, value: Cell | string];

/** A heading and a line for each item, each column as wide as its widest cell. */
export function table<T>(columns: readonly Column<T>[], items: readonly T[]): string {
  const heading = columns.map(({ title }): Cell => ({ text: title, paint: dim }));
  const lines = [heading, ...items.map((item) => columns.map(({ cell }) => asCell(cell(item))))];
  return align(lines);
}

/** A line for each fact, its name before it. */
export function factList(facts: readonly Fact[], indent = "  "): string {
  const lines = facts.map(([name, value]) => [{ text: name, paint: dim }, asCell(value)]);
  return align(lines, indent);
}

function asCell(value: Cell | string): Cell {
  const { text, paint } = typeof value === "string" ? { text: value, paint: plain } : value;
  return { text: printable(text), paint };
}

function align(lines: readonly (readonly Cell[])[], indent = ""): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => widthOf(line[column]))));
  return lines.map((line) => indent + alignLine(line, widths)).join("\n");
}

function alignLine(line: readonly Cell[], widths: readonly number[]): string {
  const last = line.findLastIndex(({ text }) => text !== "");
  return line
    .slice(0, last + 1)
    .map((cell, column) => {
      const padding = column === last ? "" : " ".repeat((widths[column] ?? 0) - widthOf(cell));
      return cell.paint(cell.text) + padding;
    })
    .join("  ");
}

function widthOf(cell: Cell | undefined): number {
  return cell === undefined ? 0 : [...cell.text].length;
}
