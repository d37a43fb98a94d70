/** A batch operation, as Camunda's clients ask for one and watch it. */
import { setTimeout as passed } from "node:timers/promises";

/** How one was carried out. In milliseconds. */
export interface Storm {
  readonly items: number;
  /** From its start in the store until the store says that it has ended. */
  readonly inStore: number;
  /** From the request until a client sees that it is completed. */
  readonly endToEnd: number;
}

/** How often it is asked for, in milliseconds. */
const LOOK_EVERY = 20;

interface BatchJson {
  readonly state: string;
  readonly startDate: string;
  readonly endDate: string;
  readonly operationsTotalCount: number;
  readonly operationsFailedCount: number;
  readonly operationsCompletedCount: number;
}

/** Cancels all process instances of a definition. Rejects if one of the `expected` was not cancelled. */
export async function cancelAllOf(url: string, processDefinitionId: string, expected: number): Promise<Storm> {
  const startedAt = performance.now();
  const { batchOperationKey }: { batchOperationKey: string } = JSON.parse(
    await bodyOf(`${url}/v2/process-instances/cancellation`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ filter: { processDefinitionId } }),
    }),
  );
  for (;;) {
    const batch: BatchJson = JSON.parse(await bodyOf(`${url}/v2/batch-operations/${batchOperationKey}`));
    if (batch.state === "COMPLETED") {
      const endToEnd = performance.now() - startedAt;
      if (batch.operationsCompletedCount !== expected) {
        throw new Error(`of ${expected} executions not all were cancelled: ${JSON.stringify(batch)}`);
      }
      return { items: expected, inStore: Date.parse(batch.endDate) - Date.parse(batch.startDate), endToEnd };
    }
    if (batch.state !== "CREATED" && batch.state !== "ACTIVE") {
      throw new Error(`the batch operation is ${batch.state}: ${JSON.stringify(batch)}`);
    }
    await passed(LOOK_EVERY);
  }
}

/** The body of an answer that must be a success. */
async function bodyOf(url: string, request: RequestInit = {}): Promise<string> {
  const answer = await fetch(url, request);
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${url} answered HTTP ${answer.status}: ${body}`);
  return body;
}
