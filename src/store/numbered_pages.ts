/** Pages by number, with a total. */
import type { Kysely } from "kysely";
import type { Execution } from "../domain/execution.ts";
import { withQueueItems } from "./reads.ts";
import type { Schema } from "./schema.ts";
import type { NumberedPage, NumberedPageRequest } from "./store.ts";

/** The instances of a workflow, newest first. */
export async function listInstancesOfWorkflow(
  db: Kysely<Schema>,
  tenant: string,
  workflowId: string,
  { size, number }: NumberedPageRequest,
): Promise<NumberedPage<Execution>> {
  // Only workflow instances have a workflow, so the index over it answers without their kind.
  const instances = db
    .selectFrom("execution")
    .where("tenant", "=", tenant)
    .where("workflow_id", "is not", null)
    .where("workflow_id", "=", workflowId);
  const { total } = await instances.select((eb) => eb.fn.countAll<number>().as("total")).executeTakeFirstOrThrow();
  // Finds the page's place in the index alone, and reads only the rows that it shows.
  const page = instances
    .select("rid")
    .orderBy("created_at", "desc")
    .orderBy("rid", "desc")
    .limit(size)
    .offset(size * number);
  const rows = await db
    .selectFrom("execution")
    .selectAll()
    .where("rid", "in", page)
    .orderBy("created_at", "desc")
    .orderBy("rid", "desc")
    .execute();
  return { items: await withQueueItems(db, rows), total };
}
