/** How long `belay serve` keeps what is done. */
import { Option } from "commander";
import type { Millis } from "../domain/time.ts";
import { wholeNumber } from "./number_option.ts";

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;

/** What the contract promises to every caller. */
const LEAST_HOURS = 24;

/** A weekend: what failed on a Friday may be repeated on the Monday after, and must not cancel anew what has begun since. */
const DEFAULT_HOURS = 72;

/** A year. */
const MOST_HOURS = 8_760;

/** A hundred years. */
const MOST_DAYS = 36_525;

export interface RetentionOptions {
  /** In hours. */
  readonly commandRetention: number;
  /** In days. */
  readonly executionRetention?: number;
  /** In days. */
  readonly auditRetention?: number;
}

export function commandRetentionOption(): Option {
  return new Option("--command-retention <hours>", "how long a command id can be repeated")
    .env("BELAY_COMMAND_RETENTION")
    .default(DEFAULT_HOURS)
    .argParser(wholeNumber(LEAST_HOURS, MOST_HOURS));
}

// For ever unless somebody says otherwise. Whoever asks for an execution that was removed is told that there never was one, and an audit
// log is often kept because it must be: neither is for a default to decide.

export function executionRetentionOption(): Option {
  return new Option("--execution-retention <days>", "how long finished executions are kept; left out: for ever")
    .env("BELAY_EXECUTION_RETENTION")
    .argParser(wholeNumber(1, MOST_DAYS));
}

export function auditRetentionOption(): Option {
  return new Option("--audit-retention <days>", "how long audit events are kept; left out: for ever")
    .env("BELAY_AUDIT_RETENTION")
    .argParser(wholeNumber(1, MOST_DAYS));
}

export function retentionOf({ commandRetention, executionRetention, auditRetention }: RetentionOptions) {
  return {
    commands: commandRetention * HOUR,
    executions: executionRetention === undefined ? null : executionRetention * DAY,
    audit: auditRetention === undefined ? null : auditRetention * DAY,
  };
}
