/** The few figures that a row of measurements is summed up by. */

/** The value below which the share `fraction` of the values lies. They must be sorted, the smallest first; NaN if there are none. */
export function percentile(sorted: readonly number[], fraction: number): number {
  const index = Math.ceil(sorted.length * fraction) - 1;
  return sorted[Math.max(0, index)] ?? Number.NaN;
}

/** The value in the middle; NaN if there are none. */
export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
