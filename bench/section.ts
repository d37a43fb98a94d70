/** A part of the benchmark that answers one question and can be run alone. */
import type { BarChart } from "./plot/bar_chart.ts";
import type { Table } from "./table.ts";
import type { Verdict } from "./verdict.ts";

export const SECTION_NAMES = ["throughput", "latency", "reads", "signals", "storm", "scale", "cold_start"] as const;
export type SectionName = (typeof SECTION_NAMES)[number];

export interface SectionContext {
  readonly rounds: number;
  /** How long each timed measurement takes. */
  readonly seconds: number;
  /** A trial: sizes that need not mean anything. */
  readonly isQuick: boolean;
  /** Where the databases are, on the disk to measure. It is removed at the end. */
  readonly folder: string;
  /** Told what is under way. */
  readonly onProgress: (line: string) => void;
}

export interface SectionResult {
  readonly tables: readonly Table[];
  readonly verdicts: readonly Verdict[];
  /** What a reader of the tables has to know. */
  readonly notes: readonly string[];
  readonly charts: readonly BarChart[];
  /** Every round's figures. */
  readonly measured: unknown;
}

export interface Section {
  readonly title: string;
  /** Leaves no process behind, whether it succeeds or not. */
  readonly run: (context: SectionContext) => Promise<SectionResult>;
}
