/** Executions of a kind, as a table or as JSON. */
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ListFilterSchema } from "../../gen/belay/v1/execution_service_pb.ts";
import { proofCell } from "./cancellation_facts.ts";
import { type Connection, READ_TIMEOUT } from "./connection.ts";
import { labelsInWords, stateCell } from "./execution_facts.ts";
import { printJson } from "./json_output.ts";
import type { KindAccess, Shown } from "./kinds/kind_access.ts";
import type { ListOptions } from "./list_options.ts";
import { noteMore, readPages } from "./pages.ts";
import { type Column, table } from "./table.ts";
import { ageOf } from "./time_format.ts";

export async function listExecutions(connection: Connection, access: KindAccess, options: ListOptions): Promise<void> {
  const { state, label, parent, workflow, since, limit } = options;
  const filter = create(ListFilterSchema, {
    states: [...(state ?? [])],
    labels: { ...label },
    ...(parent === undefined ? {} : { parent }),
    ...(since === undefined ? {} : { createdAfter: timestampFromDate(since) }),
  });
  const { items, hasMore } = await readPages(limit, async (pageSize, pageToken) => {
    const query = { pageSize, pageToken, filter, workflowId: workflow ?? "" };
    const { shown, nextPageToken } = await access.list(connection, query, { timeoutMs: READ_TIMEOUT });
    return { items: shown, nextPageToken };
  });
  if (options.json === true) printJson(items.map(({ json }) => json));
  else if (items.length === 0) console.error(`belay: no ${access.plural.replaceAll("-", " ")} found`);
  else console.log(table(columns(new Date()), items));
  if (hasMore) noteMore(limit);
}

function columns(now: Date): Column<Shown>[] {
  return [
    { title: "ID", cell: ({ execution }) => execution.ref?.id ?? "" },
    { title: "STATE", cell: ({ execution }) => stateCell(execution.state) },
    { title: "PROOF", cell: ({ execution }) => proofCell(execution.stopProof) },
    { title: "AGE", cell: ({ execution }) => (execution.createTime ? ageOf(execution.createTime, now) : "") },
    { title: "ENGINE", cell: ({ execution }) => execution.engine },
    { title: "WORKER", cell: ({ execution }) => execution.workerId },
    { title: "LABELS", cell: ({ execution }) => labelsInWords(execution) },
  ];
}
