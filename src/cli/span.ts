/** Spans of time on the command line: "90s", "15m", "1h" or "2d". */

const MILLIS_OF: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** How many milliseconds `text` stands for; null if it is no span. */
export function millisOfSpan(text: string): number | null {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const factor = MILLIS_OF[unit ?? ""];
  return factor === undefined ? null : Number(amount) * factor;
}
