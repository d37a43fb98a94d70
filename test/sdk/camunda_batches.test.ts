import { type CamundaClient, createCamundaClient, ProcessDefinitionId } from "@camunda8/orchestration-cluster-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";

/** What is read is there at once: nothing to wait for. */
const AT_ONCE = { consistency: { waitUpToMs: 0 } };

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterAll(() => server.close());

function clientOf(validation: string): CamundaClient {
  return createCamundaClient({
    config: {
      CAMUNDA_REST_ADDRESS: server.url,
      CAMUNDA_AUTH_STRATEGY: "NONE",
      CAMUNDA_SDK_LOG_LEVEL: "silent",
      CAMUNDA_SDK_VALIDATION: validation,
    },
  });
}

async function registerMany(processDefinitionId: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    await clients.executions.registerExecution({
      kind: Kind.PROCESS_INSTANCE,
      claim: { workerId: "w-1", leaseSeconds: 600 },
      detail: { case: "processInstance", value: { processDefinitionId } },
    });
  }
}

describe.each(["none", "strict", "req:strict,res:fanatical"])(
  "@camunda8/orchestration-cluster-api with validation %s",
  (validation) => {
    it("cancels a batch, looks at it, and steers it", async () => {
      const camunda = clientOf(validation);
      const definition = `batch-${validation.replaceAll(/\W/g, "-")}`;
      await registerMany(definition, 2);
      const show = () => camunda.getBatchOperation({ batchOperationKey }, AT_ONCE);

      const { batchOperationKey, batchOperationType } = await camunda.cancelProcessInstancesBatchOperation({
        filter: { processDefinitionId: ProcessDefinitionId.assumeExists(definition) },
      });
      const active = await show();
      await camunda.suspendBatchOperation({ batchOperationKey });
      const suspended = await show();
      await camunda.resumeBatchOperation({ batchOperationKey });
      await camunda.cancelBatchOperation({ batchOperationKey });
      const cancelled = await show();

      const found = await camunda.searchBatchOperations({ filter: { batchOperationKey } }, AT_ONCE);
      const items = await camunda.searchBatchOperationItems({ filter: { batchOperationKey } }, AT_ONCE);

      expect(found.items).toEqual([cancelled]);
      expect(items.page.totalItems).toBe(2);
      expect(batchOperationType).toBe("CANCEL_PROCESS_INSTANCE");
      expect(active).toMatchObject({ operationsTotalCount: 2, operationsCompletedCount: 0, endDate: null });
      expect([suspended.state, cancelled.state]).toEqual(["SUSPENDED", "CANCELED"]);
      expect(cancelled.endDate).not.toBeNull();
    });
  },
);
