/** The figures of an overload run, for people. */
import { spread } from "../statistics.ts";
import type { Round, Scenario } from "./benchmark.ts";
import { CALL_CLASSES, type ClassResult } from "./order.ts";
import type { Phase } from "./phases.ts";

const COLUMNS = ["", "offered/s", "succeeded", "shed", "failed", "p50 ms", "p99 ms", "p99 / half load"];

/** How many times longer than at half load the slowest hundredth of cancels may take. */
const GOAL = 3;

/** Lines of text. */
export function report(rounds: readonly Round[]): string {
  return [...rounds.flatMap(reportRound), "", "P99 OF CANCELS, OVERLOAD / HALF LOAD", ...summary(rounds)].join("\n");
}

function reportRound({ sustainable, scenarios }: Round, index: number): string[] {
  const title = `ROUND ${index + 1}: ${Math.round(sustainable)} mixed calls/s are sustainable`;
  return [...(index === 0 ? [] : ["", ""]), title, ...scenarios.flatMap(reportScenario)];
}

function reportScenario({ name, half, overload, after }: Scenario): string[] {
  return [
    "",
    `${name.toUpperCase()}`,
    ...[half, overload, after].flatMap((phase) => reportPhase(phase, half)),
    `p99 of cancels by second after the overload: ${after.result.classes.cancel.bySecond.map(({ p99 }) => millis(p99)).join(" ")}`,
  ];
}

/** The median of the rounds counts: what else the machine does falls into some of them. */
function summary(rounds: readonly Round[]): string[] {
  const names = rounds[0]?.scenarios.map(({ name }) => name) ?? [];
  return names.map((name, index) => {
    const ratios = rounds.map(({ scenarios }) => ratioOf(scenarios[index]));
    const { median, min, max } = spread(ratios);
    const verdict = median <= GOAL ? "reached" : "missed";
    return (
      `${name}: ${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)}; round by round ${ratios.map((ratio) => ratio.toFixed(2)).join(" ")}),` +
      ` at most ${GOAL}: ${verdict}`
    );
  });
}

/** NaN if no cancel succeeded. */
function ratioOf(scenario: Scenario | undefined): number {
  const [over, half] = [scenario?.overload, scenario?.half].map((phase) => phase?.result.classes.cancel.latency.p99);
  return (over ?? Number.NaN) / (half ?? Number.NaN);
}

function reportPhase({ name, rate, result, memory, health }: Phase, half: Phase): string[] {
  const seconds = result.classes.cancel.bySecond.length;
  const rows = CALL_CLASSES.map((sort) =>
    row(sort, result.classes[sort], half.result.classes[sort].latency.p99, seconds),
  );
  return [
    "",
    `${name}: ${Math.round(rate)} calls/s`,
    ...table([COLUMNS, ...rows]),
    `memory ${mib(memory.first)} → ${mib(memory.most)} (most) → ${mib(memory.last)} MiB; health checks p50 ${millis(health.p50)}, p99 ${millis(health.p99)} ms` +
      ` (${times(health.p99, half.health.p99)} × half); shed calls answered p50 ${millis(result.classes.list.shedLatency.p50)} ms;` +
      ` load: ${Math.round(result.loadCpu * 100)} % of a core, sent late p99 ${millis(result.sentLate.p99)} ms`,
  ];
}

function row(name: string, result: ClassResult, halfP99: number | null, seconds: number): string[] {
  const { offered, succeeded, shed, failed, latency } = result;
  const failures = Object.entries(failed).map(([what, count]) => `${count} ${what}`);
  return [
    name,
    (offered / seconds).toFixed(0),
    share(succeeded, offered),
    share(shed, offered),
    failures.length === 0 ? "–" : failures.join(", "),
    millis(latency.p50),
    millis(latency.p99),
    times(latency.p99, halfP99),
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

function share(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(2)} %`;
}

function millis(value: number | null): string {
  return value === null ? "–" : value.toFixed(1);
}

function times(value: number | null, half: number | null): string {
  return value === null || half === null ? "–" : (value / half).toFixed(2);
}

function mib(value: number): string {
  return value.toFixed(0);
}
