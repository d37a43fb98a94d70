/** The public ids of the executions of a benchmark, by number. */

/** `uuid`: as ids in production are. `decimal`: as a filled store has them, which is filled by counting. */
export type IdForm = "uuid" | "decimal";

/** Has the length of a UUID. Every id has the same length. */
export function executionId(number: number): string {
  return `00000000-0000-7000-8000-${number.toString().padStart(12, "0")}`;
}

/** Numbers of executions with decimal ids count from here, so that every id has the same length. */
export const FIRST_DECIMAL = 1e12;

export function idOf(number: number, form: IdForm): string {
  return form === "uuid" ? executionId(number) : number.toString();
}
