import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { belay, serverForFile, startBelay } from "./belay_command.ts";
import { type Api, api, heldProcess, instanceWithListener, pendingProcess, reportStopped } from "./fixtures.ts";

const server = serverForFile();
let client: Api;
beforeAll(() => {
  client = api(server.address);
});
afterAll(() => client.close());

const run = (...args: readonly string[]) => belay(args, { BELAY_ADDRESS: server.address });

describe("belay cancel", () => {
  it("cancels work that nobody runs, and says that there was nothing to stop", async () => {
    const id = await pendingProcess(client);

    const { exitCode, stdout } = await run("cancel", "process", id);

    expect(exitCode).toBe(0);
    expect(stdout).toContain(`process ${id} is cancelled; no work was running`);
  });

  it("answers for running work at once, with what it waits for and how to follow it", async () => {
    const held = await heldProcess(client);

    const { exitCode, stdout } = await run(
      "cancel",
      "process",
      held.id,
      "--reason",
      "wrong input",
      "--force-after",
      "60",
    );

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/is being cancelled: its worker is asked to stop, and terminated at [\d:.]+ unless it has/);
    expect(stdout).toMatch(/strategy +soft_then_force, 60 s/);
    expect(stdout).toMatch(/reason +wrong input/);
    expect(stdout).toMatch(/belay watch --cancellation [0-9a-f-]{36}/);
  });

  it("follows the timeline to its proven end with --wait", async () => {
    const held = await heldProcess(client);
    const cancel = startBelay(["cancel", "process", held.id, "--wait", "--address", server.address]);
    await cancel.prints(/cancellation requested/);

    await reportStopped(client, held);

    expect(await cancel.ended).toBe(0);
    expect(cancel.output()).toMatch(/the work has stopped: seen by the test/);
    expect(cancel.output()).toMatch(/is cancelled; its work has stopped, proven after \d+\.\d{3} s\n$/);
  });

  it("prints one JSON document with --json, without and with --wait", async () => {
    const id = await pendingProcess(client);
    const held = await heldProcess(client);

    const answered = await run("cancel", "process", id, "--json");
    const waiting = startBelay(["cancel", "process", held.id, "--wait", "--json", "--address", server.address]);
    for await (const { event } of client.executions.watchExecution({
      execution: { kind: Kind.PROCESS, id: held.id },
    })) {
      if (event?.message.startsWith("cancellation requested")) break;
    }
    await reportStopped(client, held);

    expect(JSON.parse(answered.stdout)).toMatchObject({
      status: "CANCEL_PROCESS_STATUS_CANCEL_REQUESTED",
      process: { execution: { ref: { id }, state: "EXECUTION_STATE_CANCELLED" } },
      cancellation: { outcome: "CANCELLATION_OUTCOME_CANCELLED", stopProof: "STOP_PROOF_NONE" },
    });
    expect(await waiting.ended).toBe(0);
    expect(JSON.parse(waiting.output())).toMatchObject({
      process: { execution: { ref: { id: held.id } } },
      cancellation: { outcome: "CANCELLATION_OUTCOME_CANCELLED", stopProof: "STOP_PROOF_CONFIRMED" },
    });
  });

  it("ends with 0 for what is cancelled already, whatever the kind's RPC answers", async () => {
    const process = await pendingProcess(client);
    const { execution } = await client.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE });
    const instance = execution!.ref!.id;
    await run("cancel", "process", process);
    await run("cancel", "process-instance", instance);

    const again = await Promise.all([run("cancel", "process", process), run("cancel", "process-instance", instance)]);

    expect(again.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    for (const { stdout } of again) expect(stdout).toContain("is cancelled; no work was running");
  });

  it("ends with 3 for an id that is not known", async () => {
    const { exitCode, stderr, stdout } = await run("cancel", "process", "no-such", "--json");

    expect(exitCode).toBe(3);
    expect(stderr).toBe("belay: no process 'no-such' is registered\n");
    expect(stdout).toBe("");
  });

  it("ends with 4 for work that had completed, whatever the kind's RPC answers", async () => {
    const { execution } = await client.executions.registerExecution({
      kind: Kind.WORKFLOW_INSTANCE,
      detail: { case: "workflowInstance", value: { workflowId: "wf" } },
    });
    const process = await pendingProcess(client);
    await client.executions.completeExecution({ execution: execution!.ref! });
    await client.executions.completeExecution({ execution: { kind: Kind.PROCESS, id: process } });

    const results = await Promise.all([
      run("cancel", "process", process),
      run("cancel", "workflow-instance", execution!.ref!.id),
    ]);

    expect(results.map(({ exitCode }) => exitCode)).toEqual([4, 4]);
    for (const { stdout } of results) expect(stdout).toContain("had completed before it could be cancelled");
  });

  it("ends with 5 and names the root for a child process instance", async () => {
    const root = await client.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE });
    const child = await client.executions.registerExecution({
      kind: Kind.PROCESS_INSTANCE,
      parent: root.execution!.ref!,
    });

    const { exitCode, stderr } = await run("cancel", "process_instance", child.execution!.ref!.id);

    expect(exitCode).toBe(5);
    expect(stderr).toContain(`cancel its root instead: process instance '${root.execution!.ref!.id}'`);
  });

  it("ends with 5 and names every field that breaks the contract's rules", async () => {
    const { exitCode, stderr } = await run("cancel", "process-instance", "not-a-number");

    expect(exitCode).toBe(5);
    expect(stderr).toContain("process_instance_key: ");
  });

  it("ends with 5 for a command id that was used for something else", async () => {
    const id = await pendingProcess(client);
    await run("cancel", "process", id, "--command-id", `c-${id}`);

    const { exitCode, stderr } = await run("cancel", "process", id, "--command-id", `c-${id}`, "--reason", "other");

    expect(exitCode).toBe(5);
    expect(stderr).toContain("use a new --command-id, or repeat the first request exactly");
  });

  it("ends with 7 when the time to wait has passed, and the cancellation goes on", async () => {
    const id = await instanceWithListener(client);

    const asked = await run("cancel", "process-instance", id, "--timeout", "1");
    const followed = await run("cancel", "process-instance", id, "--wait", "--timeout", "1");

    expect([asked.exitCode, followed.exitCode]).toEqual([7, 7]);
    for (const { stdout } of [asked, followed]) {
      expect(stdout).toContain(`process instance ${id} is still being cancelled: its listeners have to complete`);
    }
    expect((await run("get", "process-instance", id)).stdout).toMatch(/outcome +pending/);
  });

  it("ends with 9 if the worker was lost before it could confirm the stop", async () => {
    const held = await heldProcess(client, 1);

    const { exitCode, stdout } = await run("cancel", "process", held.id, "--wait");

    expect(exitCode).toBe(9);
    expect(stdout).toContain("is cancelled, but its worker was lost before it could confirm the stop");
  });

  it("finds the workflow of a workflow instance by itself, and checks the one that is named", async () => {
    const detail = { case: "workflowInstance", value: { workflowId: "wf-1" } } as const;
    const { execution } = await client.executions.registerExecution({ kind: Kind.WORKFLOW_INSTANCE, detail });
    const id = execution!.ref!.id;

    const other = await run("cancel", "workflow-instance", id, "--workflow", "wf-2");
    const found = await run("cancel", "workflow-instance", id);

    expect([other.exitCode, found.exitCode]).toEqual([3, 0]);
  });

  it("escalates a cancellation under way", async () => {
    const held = await heldProcess(client);
    await run("cancel", "process", held.id, "--force-after", "600");

    const { exitCode, stdout } = await run("cancel", "process", held.id, "--strategy", "hard");

    expect(exitCode).toBe(0);
    expect(stdout).toContain("is being cancelled: its work is being terminated");
  });
});
