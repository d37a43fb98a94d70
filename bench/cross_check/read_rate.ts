/** The rate that a load generator prints. */

const PATTERNS = {
  h2load: /^finished in [^,]+, ([\d.]+) req\/s/m,
  wrk: /^Requests\/sec: +([\d.]+)/m,
} as const;

/** Calls a second. Null: nothing was printed that says so. */
export function readRate(tool: keyof typeof PATTERNS, printed: string): number | null {
  const [, rate] = PATTERNS[tool].exec(printed) ?? [];
  return rate === undefined ? null : Number(rate);
}
