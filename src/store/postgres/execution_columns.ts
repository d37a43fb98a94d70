/** The columns of executions, as PostgreSQL knows them. */
import type { FixedColumns, MutableColumns } from "../rows.ts";
import type { ColumnTypes } from "./columns.ts";

export const MUTABLE_COLUMNS: ColumnTypes<MutableColumns> = {
  state: "text",
  live: "bigint",
  token: "bigint",
  worker_id: "text",
  lease_token: "bigint",
  lease_expires_at: "bigint",
  lease_duration: "bigint",
  lease_expired: "bigint",
  ending_json: "json",
  cancellation_json: "json",
  cancellation_id: "text",
  cancellation_outcome: "text",
  cancellation_requested_at: "bigint",
  cancellation_overdue: "bigint",
  started_at: "bigint",
  ended_at: "bigint",
};

export const FIXED_COLUMNS: ColumnTypes<FixedColumns> = {
  tenant: "text",
  kind: "text",
  id: "text",
  parent_rid: "bigint",
  workflow_id: "text",
  spec_json: "json",
  has_queue_items: "bigint",
  created_at: "bigint",
};
