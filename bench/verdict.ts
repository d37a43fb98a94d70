/** Whether a figure is what it should be. */
import { decimal } from "./figures.ts";
import type { Table } from "./table.ts";

/** `×`: a ratio to the baseline. */
type Unit = "×" | "ms" | "s" | "/s" | "MB";

export interface Verdict {
  readonly what: string;
  /** What was measured, for people. */
  readonly figure: string;
  /** What it is compared with, for people; empty if it stands alone. */
  readonly baseline: string;
  /** The value that is judged. */
  readonly value: number;
  readonly unit: Unit;
  readonly should: "be at least" | "be at most";
  readonly bound: number;
}

/** What was not measured is not reached. */
export function isReached({ value, should, bound }: Verdict): boolean {
  return Number.isFinite(value) && (should === "be at least" ? value >= bound : value <= bound);
}

export function verdictTable(verdicts: readonly Verdict[]): Table {
  return {
    caption: "Targets",
    columns: ["", "figure", "baseline", "judged", "target", "reached"],
    rows: verdicts.map((verdict) => {
      const { what, figure, baseline, value, unit, should, bound } = verdict;
      const target = `${should === "be at least" ? "≥" : "≤"} ${decimal(bound)} ${unit}`;
      return [what, figure, baseline, `${decimal(value)} ${unit}`, target, isReached(verdict) ? "yes" : "NO"];
    }),
  };
}
