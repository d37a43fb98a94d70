/** Cancellations of all kinds, as a table or as JSON. */
import { toJson } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Cancellation, CancellationOutcome, CancellationSchema } from "../../gen/belay/v1/cancellation_pb.ts";
import { outcomeCell, proofCell, strategyInWords, waitsFor } from "./cancellation_facts.ts";
import { type Connection, READ_TIMEOUT } from "./connection.ts";
import { printJson } from "./json_output.ts";
import { nameOf } from "./kinds/all_kinds.ts";
import type { ListOptions } from "./list_options.ts";
import { noteMore, readPages } from "./pages.ts";
import { type Column, table } from "./table.ts";
import { ageOf } from "./time_format.ts";
import { isUnderWay } from "./verdict.ts";

export async function listCancellations(connection: Connection, options: ListOptions): Promise<void> {
  const { overdue, pending, since, limit } = options;
  const filter = {
    overdue: overdue === true,
    outcome: pending === true ? CancellationOutcome.PENDING : CancellationOutcome.UNSPECIFIED,
    ...(since === undefined ? {} : { requestedAfter: timestampFromDate(since) }),
  };
  const { items, hasMore } = await readPages(limit, async (pageSize, pageToken) => {
    const request = { pageSize, pageToken, ...filter };
    const page = await connection.cancellations.listCancellations(request, { timeoutMs: READ_TIMEOUT });
    return { items: page.cancellations, nextPageToken: page.nextPageToken };
  });
  if (options.json === true) printJson(items.map((item) => toJson(CancellationSchema, item)));
  else if (items.length === 0) console.error("belay: no cancellations found");
  else console.log(table(columns(new Date()), items));
  if (hasMore) noteMore(limit);
}

function columns(now: Date): Column<Cancellation>[] {
  return [
    { title: "CANCELLATION", cell: ({ id }) => id },
    { title: "OF", cell: ({ execution }) => nameOf(execution) },
    { title: "STRATEGY", cell: strategyInWords },
    { title: "OUTCOME", cell: outcomeCell },
    { title: "PROOF", cell: ({ stopProof }) => proofCell(stopProof) },
    { title: "AGE", cell: ({ requestTime }) => (requestTime ? ageOf(requestTime, now) : "") },
    { title: "WAITS FOR", cell: (cancellation) => (isUnderWay(cancellation) ? waitsFor(cancellation) : "") },
  ];
}
