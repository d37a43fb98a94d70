/** Conflicts between transactions: those that a second try settles. */
import pg from "pg";

/** Serialization failure, deadlock, and a row that another transaction inserted first: then it is there to be loaded. */
const CONFLICTS = ["40001", "40P01", "23505"];

/** Each try sees what won the one before, so that more than a few mean a fault. */
const MAX_TRIES = 10;

export async function retryingConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === MAX_TRIES || !isConflict(error)) throw error;
    }
  }
}

/** True for an error that another try may settle. */
export function isConflict(error: unknown): boolean {
  return error instanceof pg.DatabaseError && CONFLICTS.some((code) => code === error.code);
}
