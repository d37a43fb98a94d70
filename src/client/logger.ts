/** Where the library says what it does. `console` fits, and so does a pino logger. */
export interface Logger {
  /** What starts, the orders that come, and single failed attempts. */
  debug(message: string): void;
  /** The connection is back. */
  info(message: string): void;
  /** The connection is lost, or a result could not be recorded in full. */
  warn(message: string): void;
}

/** Says nothing: the default. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {} };
