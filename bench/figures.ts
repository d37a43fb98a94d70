/** Figures as text. What was not measured is a dash. */
import type { Spread } from "./statistics.ts";

const NOT_MEASURED = "–";

export function whole(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString("en") : NOT_MEASURED;
}

/** With two places after the point, or fewer where they say nothing. */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) return NOT_MEASURED;
  const size = Math.abs(value);
  return size >= 100 ? whole(value) : value.toFixed(size >= 10 ? 1 : 2);
}

export function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(share * 100)} %` : NOT_MEASURED;
}

export function range({ min, max }: Spread, format: (value: number) => string): string {
  return `${format(min)}–${format(max)}`;
}
