/** A line of the table of cases. */
import type { Ask } from "./ask.ts";
import type { Backend } from "./backend.ts";

export interface Case {
  readonly name: string;
  /** The same bytes for both servers; made for each of them where it names ids that they mint. */
  readonly ask: Ask | ((backend: Backend) => Ask);
  /** The summary of the answer that both servers give: see Answer.summary. Not given: anything but a fault. */
  readonly is?: string;
  /** How many requests the log has lines of; what Node itself refuses is none. Default 1. */
  readonly logged?: number;
  /** What comes first is chance, or random: only the summary is compared. */
  readonly races?: boolean;
}
