/** The few figures that a row of measurements is summed up by. */

/** The value below which the share `fraction` of the values lies. They must be sorted, the smallest first; NaN if there are none. */
export function percentile(sorted: ArrayLike<number>, fraction: number): number {
  const index = Math.ceil(sorted.length * fraction) - 1;
  return sorted[Math.max(0, index)] ?? Number.NaN;
}

/** The value in the middle, or the mean of the two that are; NaN if there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = Number.NaN, high = Number.NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}

/** The rounds' median, and the lowest and highest of them: the noise of the machine. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** NaN throughout if there are no values. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) return { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Each value as a share of the one at the same place: rounds are compared with themselves, so that the machine's moods cancel out. */
export function ratios(values: readonly number[], baselines: readonly number[]): number[] {
  return values.map((value, index) => value / (baselines[index] ?? Number.NaN));
}
