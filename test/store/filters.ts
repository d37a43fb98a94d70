/** What lists are asked for. */
import type { ExecutionFilter } from "../../src/store/store.ts";

export const ALL_PROCESSES: ExecutionFilter = {
  kind: "process",
  states: [],
  labels: {},
  parent: null,
  createdAfter: null,
  createdBefore: null,
  workflowId: null,
};
