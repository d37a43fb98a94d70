/** The exit codes of every command but `run`, which passes on that of its command. Scripts compare them: they never change meaning. */

export const EXIT = {
  /** Done: shown, accepted, or cancelled. */
  done: 0,
  /** A fault of Belay itself. */
  fault: 1,
  /** The command line or the environment is wrong. */
  usage: 2,
  /** No such execution, cancellation or key. */
  notFound: 3,
  /** The execution completed or failed before the cancellation could take effect. */
  finishedBefore: 4,
  /** The server refused the request. */
  refused: 5,
  /** The server can't be reached, or can't answer now. */
  unreachable: 6,
  /** The time to wait has passed and the cancellation is still under way. */
  stillCancelling: 7,
  /** The engine refused for good to stop the work, which runs on. */
  notStopped: 8,
  /** Cancelled, but the worker was lost before it could confirm the stop. */
  unproven: 9,
  /** The audit log is not as it was written. */
  logChanged: 10,
  /** The database does not agree with itself. */
  unsound: 11,
  /** The database has yet to be migrated. */
  notMigrated: 12,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** For the end of a command's help. */
export const CANCEL_EXIT_CODES = `
Exit codes:
  0  cancelled, or accepted and under way (with --wait: cancelled, and the stop is proven)
  1  a fault of Belay itself
  2  wrong usage
  3  no such execution
  4  it completed or failed before it could be cancelled
  5  the server refused the request
  6  the server can't be reached, or can't answer now: try again
  7  still cancelling when the time to wait had passed: the cancellation goes on
  8  the engine refused to stop the work, which runs on
  9  cancelled, but its worker was lost before it could confirm the stop`;

export const EXIT_CODES = `
Exit codes:
  0  done                  3  not found
  1  a fault of Belay      5  the server refused the request
  2  wrong usage           6  the server can't be reached, or can't answer now`;
