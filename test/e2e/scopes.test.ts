import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { CancellationOutcome, StopProof } from "../../gen/belay/v1/cancellation_pb.ts";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Belay, CancellationError, createBelay } from "../../src/client/index.ts";
import { belay } from "../cli/belay_command.ts";
import type { Clients } from "./clients.ts";
import { type GatedServer, startGatedServer } from "./gated_server.ts";
import { untilEnded } from "./work.ts";

let server: GatedServer;
beforeAll(async () => {
  server = await startGatedServer();
});
afterAll(() => server.close());

async function clientsWith(...scopes: readonly string[]): Promise<Clients> {
  return server.as(await server.createKey("acme", scopes));
}

/** The client library, with a key of this one scope. */
async function belayWith(scope: string): Promise<Belay> {
  const { secret } = await server.createKey("acme", [scope]);
  const client = createBelay({ address: server.url, apiKey: secret });
  onTestFinished(() => client.close());
  return client;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

const CANCEL = { reason: "wrong input", requestedBy: { user: "ann" } };

describe('the scope "worker"', () => {
  it("is enough for all that a worker does: run, stop when told, report, serve listeners", async () => {
    const worker = await belayWith("worker");
    const operator = await clientsWith("cancel:process", "executions:read");
    const served = Promise.withResolvers<string>();
    const listener = worker.serveListener("tidy-up", async (job) => served.resolve(job.execution?.id ?? ""));
    onTestFinished(() => listener.stop());
    const started = Promise.withResolvers<void>();

    await worker.run({ kind: "process", id: "done" }, () => ({ pages: 3 }));
    const failed = worker.run({ kind: "process", id: "failed" }, () => Promise.reject(new Error("no disk")));
    await expect(failed).rejects.toThrow("no disk");
    const running = worker.run({ kind: "process", id: "stopped", listeners: [{ type: "tidy-up" }] }, async (signal) => {
      started.resolve();
      await aborted(signal);
      throw signal.reason;
    });
    const rejection = running.catch((reason: unknown) => reason);
    await started.promise;
    const { cancellation } = await operator.cancellations.cancelProcess({ processId: "stopped", ...CANCEL });

    expect(await rejection).toBeInstanceOf(CancellationError);
    expect(await served.promise).toBe("stopped");
    expect(await untilEnded(operator, cancellation!.id)).toMatchObject({
      outcome: CancellationOutcome.CANCELLED,
      stopProof: StopProof.CONFIRMED,
    });
    const { processes } = await operator.executions.listProcesses({});
    expect(Object.fromEntries(processes.map(({ execution }) => [execution?.ref?.id, execution?.state]))).toEqual({
      done: ExecutionState.COMPLETED,
      failed: ExecutionState.FAILED,
      stopped: ExecutionState.CANCELLED,
    });
  });

  it("is enough for belay run, and for nothing that looks or cancels", async () => {
    const { secret } = await server.createKey("acme", ["worker"]);
    const env = { BELAY_API_KEY: secret };
    const at = ["--address", server.url];

    const ran = await belay(["run", "--id", "by-command", ...at, "--", "sh", "-c", "echo ran; exit 3"], env);
    const looked = await belay(["get", "process", "by-command", ...at], env);
    const cancelled = await belay(["cancel", "process", "by-command", ...at, "--reason", "no"], env);

    expect({ exitCode: ran.exitCode, stdout: ran.stdout }).toEqual({ exitCode: 3, stdout: "ran\n" });
    expect(looked.stderr).toContain("lacks the scope executions:read");
    expect(cancelled.stderr).toContain("lacks the scope cancel:process");
  });
});

describe('the scope "executions:read"', () => {
  it("shows what is there and cancels none of it", async () => {
    const admin = await clientsWith("admin");
    const reader = await clientsWith("executions:read");
    await admin.executions.registerExecution({ kind: Kind.PROCESS, id: "seen" });

    const cancelled = reader.cancellations.cancelProcess({ processId: "seen", ...CANCEL });

    await expect(cancelled).rejects.toMatchObject({
      code: Code.PermissionDenied,
      rawMessage: "the caller lacks the scope cancel:process",
    });
    const { process } = await reader.executions.getProcess({ processId: "seen" });
    expect(process?.execution).toMatchObject({ state: ExecutionState.PENDING });
    expect(process?.execution).not.toHaveProperty("cancellation");
  });
});

describe('the scope "cancel:*"', () => {
  it("cancels every kind", async () => {
    const admin = await clientsWith("admin");
    const { cancellations } = await clientsWith("cancel:*");
    const registered = async (kind: Kind): Promise<string> => {
      const isInstance = kind === Kind.WORKFLOW_INSTANCE;
      const { execution } = await admin.executions.registerExecution({
        kind,
        detail: isInstance ? { case: "workflowInstance", value: { workflowId: "wf" } } : { case: undefined },
      });
      return execution!.ref!.id;
    };

    const answers = await Promise.all([
      cancellations.cancelProcessInstance({ processInstanceKey: await registered(Kind.PROCESS_INSTANCE) }),
      cancellations.cancelProcess({ processId: await registered(Kind.PROCESS), ...CANCEL }),
      cancellations.cancelWorkflowInstance({ workflowId: "wf", instanceId: await registered(Kind.WORKFLOW_INSTANCE) }),
      cancellations.cancelAssessmentWorkflow({ assessmentId: await registered(Kind.ASSESSMENT) }),
      cancellations.cancelWorkflowRun({ runId: await registered(Kind.WORKFLOW_RUN) }),
    ]);

    expect(answers.map(({ cancellation }) => cancellation?.outcome)).toEqual(
      Array(5).fill(CancellationOutcome.CANCELLED),
    );
  });
});
