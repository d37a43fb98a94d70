/** The process table of this machine. */
import type { ProcessTable } from "./process_table.ts";
import { linuxProcessTable } from "./process_table_linux.ts";
import { psProcessTable } from "./process_table_ps.ts";

export function systemProcessTable(): ProcessTable {
  return process.platform === "linux" ? linuxProcessTable("/proc") : psProcessTable();
}
