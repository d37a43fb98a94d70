/** The public ids of the executions of a benchmark, by number. */

/** Has the length of a UUID, as ids in production do. Every id has the same length. */
export function executionId(number: number): string {
  return `00000000-0000-7000-8000-${number.toString().padStart(12, "0")}`;
}
