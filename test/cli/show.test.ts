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

describe("belay get", () => {
  it("shows an execution with its latest cancellation and timeline", async () => {
    const held = await heldProcess(client);
    await run("cancel", "process", held.id, "--reason", "wrong input");
    await reportStopped(client, held);

    const { exitCode, stdout } = await run("get", "process", held.id);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`^process ${held.id}\n  state +cancelled\n  stop proof +confirmed\n`));
    expect(stdout).toMatch(/worker +\S+/);
    expect(stdout).toMatch(/registered +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \(\d+ s ago\)/);
    expect(stdout).toMatch(/requested by +belay-cli/);
    expect(stdout).toMatch(
      /\d\d:\d\d:\d\d\.\d{3} +\+0\.000 s {2}cancellation requested \(soft_then_force\): wrong input/,
    );
    expect(stdout).toMatch(/cancellation ended: cancelled \(stop proof: confirmed\)\n$/);
  });

  it("prints the resource in the JSON form of the contract with --json", async () => {
    const id = await pendingProcess(client);

    const { stdout } = await run("get", "process", id, "--json");

    expect(JSON.parse(stdout)).toMatchObject({
      execution: { ref: { kind: "KIND_PROCESS", id }, state: "EXECUTION_STATE_PENDING" },
      status: "PROCESS_STATUS_QUEUED",
    });
  });

  it("shows a cancellation by its own id", async () => {
    const id = await pendingProcess(client);
    const { stdout: document } = await run("cancel", "process", id, "--json");
    const cancellationId: string = JSON.parse(document).cancellation.id;

    const { exitCode, stdout } = await run("get", "cancellation", cancellationId);

    expect(exitCode).toBe(0);
    expect(stdout).toContain(`cancellation of process ${id}`);
  });

  it.each(["process", "workflow-run", "cancellation"])("ends with 3 for an unknown %s", async (kind) => {
    expect((await run("get", kind, "no-such")).exitCode).toBe(3);
  });

  it("shows what is particular to each kind", async () => {
    const detail = {
      case: "workflowRun",
      value: { workflow: { workflowId: "wf", nameAtRunTime: "Invoices" } },
    } as const;
    const { execution } = await client.executions.registerExecution({ kind: Kind.WORKFLOW_RUN, detail });

    const { stdout } = await run("get", "workflow-run", execution!.ref!.id);

    expect(stdout).toMatch(/lifecycle +pending\n +workflow +Invoices\n/);
  });

  it("shows control characters in a reason as escapes", async () => {
    const id = await pendingProcess(client);
    await run("cancel", "process", id, "--reason", "a\u001b[2Jb");

    expect((await run("get", "process", id)).stdout).toContain("a\\u001b[2Jb");
  });
});

describe("belay list", () => {
  it("lists what fits the filters as a table, newest first", async () => {
    const label = { label: "table" };
    const ids: string[] = [];
    for (const state of ["pending", "running"]) {
      const { execution } = await client.executions.registerExecution({
        kind: Kind.WORKFLOW_RUN,
        labels: label,
        ...(state === "running" ? { claim: { workerId: "w-1", leaseSeconds: 60 } } : {}),
      });
      ids.push(execution!.ref!.id);
    }

    const all = await run("list", "workflow-runs", "--label", "label=table");
    const running = await run("list", "workflow-runs", "--label", "label=table", "--state", "running", "--since", "1h");

    const lines = all.stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^ID +STATE +PROOF +AGE +ENGINE +WORKER +LABELS$/);
    expect(lines[1]).toMatch(new RegExp(`^${ids[1]} +running +none +\\d+ s +worker +w-1 +label=table$`));
    expect(lines[2]).toMatch(new RegExp(`^${ids[0]} +pending +none +\\d+ s +worker +label=table$`));
    expect(lines).toHaveLength(3);
    expect(running.stdout.trimEnd().split("\n")).toHaveLength(2);
  });

  it("lists the children of a parent", async () => {
    const parent = await client.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE });
    const child = await client.executions.registerExecution({
      kind: Kind.PROCESS_INSTANCE,
      parent: parent.execution!.ref!,
    });

    const { stdout } = await run(
      "list",
      "process-instances",
      "--parent",
      `process-instance/${parent.execution!.ref!.id}`,
      "--json",
    );

    const children: { execution: { ref: { id: string } } }[] = JSON.parse(stdout);
    expect(children.map(({ execution }) => execution.ref.id)).toEqual([child.execution!.ref!.id]);
  });

  it("reads page after page up to the limit, and says that there are more", async () => {
    for (let count = 0; count < 3; count += 1) {
      await client.executions.registerExecution({ kind: Kind.ASSESSMENT });
    }

    const { exitCode, stdout, stderr } = await run("list", "assessments", "--limit", "2", "--json");

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(2);
    expect(stderr).toBe("belay: there are more than these 2; raise --limit or narrow the filters\n");
  });

  it("says so if nothing fits, and prints an empty array with --json", async () => {
    const text = await run("list", "processes", "--label", "label=none");
    const json = await run("list", "processes", "--label", "label=none", "--json");

    expect(text).toMatchObject({ exitCode: 0, stdout: "", stderr: "belay: no processes found\n" });
    expect(json).toMatchObject({ exitCode: 0, stdout: "[]\n" });
  });

  it("lists cancellations under way, with what they wait for", async () => {
    const id = await instanceWithListener(client);
    await run("cancel", "process-instance", id, "--timeout", "1");

    const pending = await run("list", "cancellations", "--pending");
    const overdue = await run("list", "cancellations", "--overdue", "--json");

    expect(pending.stdout).toMatch(/^CANCELLATION +OF +STRATEGY +OUTCOME +PROOF +AGE +WAITS FOR\n/);
    expect(pending.stdout).toMatch(new RegExp(`process instance ${id} +.* pending .* its listeners have to complete`));
    expect(JSON.parse(overdue.stdout)).toEqual([]);
  });
});

describe("belay watch", () => {
  it("prints an execution's timeline as it grows, until it has ended", async () => {
    const held = await heldProcess(client);
    const watch = startBelay(["watch", "process", held.id, "--address", server.address]);
    await watch.prints(/started by worker/);

    await client.executions.completeExecution({ execution: { kind: Kind.PROCESS, id: held.id }, token: held.token });

    expect(await watch.ended).toBe(0);
    expect(watch.output()).toMatch(/registered\n.*started by worker .*\n.*completed\n$/);
  });

  it("prints a cancellation's events as lines of JSON", async () => {
    const id = await pendingProcess(client);
    const { stdout: document } = await run("cancel", "process", id, "--json");

    const { exitCode, stdout } = await run("watch", "--cancellation", JSON.parse(document).cancellation.id, "--json");

    expect(exitCode).toBe(0);
    const types = stdout
      .trimEnd()
      .split("\n")
      .map((line): string => JSON.parse(line).type);
    expect(types).toEqual(["EVENT_TYPE_CANCELLATION_REQUESTED", "EVENT_TYPE_CANCELLATION_ENDED"]);
  });

  it("ends with 3 for an unknown execution", async () => {
    expect((await run("watch", "process", "no-such")).exitCode).toBe(3);
  });
});

describe("belay resolve", () => {
  it("lets a cancellation go on whose listener ran out of retries", async () => {
    const id = await instanceWithListener(client, "release-lock");
    const cancel = startBelay(["cancel", "process-instance", id, "--wait", "--address", server.address]);
    await failListener("disk full");
    const [, cancellationId = ""] = await incidentOf(id);

    const refused = await run("resolve", "no-such");
    const resolved = await run("resolve", cancellationId, "--retries", "2");
    const { jobs } = await takeListenerJob();
    await client.workers.completeListenerJob({ jobKey: jobs[0]!.key, activation: jobs[0]!.activation });

    expect(refused.exitCode).toBe(3);
    expect(resolved).toMatchObject({
      exitCode: 0,
      stdout: `the cancellation of process instance ${id} goes on: its listeners have to complete\n`,
    });
    expect(jobs[0]!.retries).toBe(2);
    expect(await cancel.ended).toBe(0);
    expect(cancel.output()).toContain("listener release-lock ran out of retries: disk full");
  });

  async function takeListenerJob() {
    return client.workers.activateListenerJobs({ workerId: "w-1", types: ["release-lock"], waitSeconds: 20 });
  }

  async function failListener(message: string): Promise<void> {
    const { jobs } = await takeListenerJob();
    const { key, activation } = jobs[0]!;
    await client.workers.failListenerJob({ jobKey: key, activation, retries: 0, message });
  }

  /** The id of the cancellation, found as an operator finds it. */
  async function incidentOf(id: string): Promise<RegExpExecArray> {
    const { stdout } = await run("list", "cancellations", "--pending");
    const line = stdout.split("\n").find((text) => text.includes(`process instance ${id} `)) ?? "";
    expect(line).toContain("listener release-lock ran out of retries (disk full)");
    return /^(\S+)/.exec(line)!;
  }
});
