import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { belay } from "./belay_command.ts";

describe("belay, used wrongly", () => {
  it.each([
    { args: ["cancl"], says: /unknown command 'cancl' \(Did you mean cancel\?\)/ },
    { args: ["serve", "--prot", "1"], says: /unknown option '--prot' \(Did you mean --port\?\)/ },
    { args: ["get", "proces", "p-1"], says: /'proces' is invalid .* Kinds are process, process-instance, / },
    { args: ["get", "process"], says: /missing required argument 'id'/ },
    { args: ["get", "process", "p-1", "--address", "localhost:8080"], says: /It must be a URL such as http:\/\// },
    { args: ["cancel", "process", "p-1", "--strategy", "kill"], says: /It must be soft, hard or soft-then-force/ },
    { args: ["cancel", "process", "p-1", "--force-after", "-1"], says: /It must be a whole number from 0 to / },
    {
      args: ["cancel", "process", "p-1", "--strategy", "hard", "--force-after", "3"],
      says: /--force-after is only for --strategy soft-then-force/,
    },
    { args: ["cancel", "process", "p-1", "--workflow", "w"], says: /--workflow is only for a workflow-instance/ },
    { args: ["list", "processes", "--state", "done"], says: /States are pending, running, cancelling, / },
    { args: ["list", "processes", "--overdue"], says: /--overdue is only for `belay list cancellations`/ },
    { args: ["list", "cancellations", "--label", "a=b"], says: /--label is only for lists of executions/ },
    { args: ["keys", "mak"], says: /unknown command 'mak'/ },
    { args: ["audit", "verfy"], says: /too many arguments for 'audit'/ },
    { args: ["watch", "process"], says: /give either a kind and an id, or --cancellation/ },
  ])("refuses $args with one line that says what is right", async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await belay(args);

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^belay: .*\n$/);
    expect(stdout).toBe("");
  });

  it("shows its help and ends with 2 without a command", async () => {
    const { exitCode, stderr } = await belay([]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain("Usage: belay");
  });
});

describe("belay, asked about itself", () => {
  it("prints its version", async () => {
    const { exitCode, stdout } = await belay(["--version"]);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each(["serve", "run", "cancel", "get", "list", "watch", "resolve", "keys", "audit"])(
    "shows examples in %s --help",
    async (name) => {
      const { exitCode, stdout } = await belay([name, "--help"]);

      expect(exitCode).toBe(0);
      expect(stdout).toContain(`Usage: belay ${name}`);
      expect(stdout).toContain(`belay ${name} `);
      expect(stdout).toMatch(/Examples?:/);
    },
  );

  it("shows the help of a command with help, too", async () => {
    const [all, one] = await Promise.all([belay(["help"]), belay(["help", "cancel"])]);

    expect([all.exitCode, one.exitCode]).toEqual([0, 0]);
    expect(all.stdout).toContain("Usage: belay [options] [command]");
    expect(one.stdout).toContain("Usage: belay cancel");
  });

  it("documents every exit code of a cancel in its help", async () => {
    const { stdout } = await belay(["cancel", "--help"]);

    for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) expect(stdout).toMatch(new RegExp(`^ +${code} {2}\\w`, "m"));
  });
});

describe("belay without a server", () => {
  it("survives a server that does not speak HTTP/2", async () => {
    const stranger = createServer((_, response) => response.end()).listen(0, "127.0.0.1");
    onTestFinished(() => void stranger.close());
    await once(stranger, "listening");
    const address = stranger.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;

    const { exitCode, stderr } = await belay(["list", "processes", "--address", `http://127.0.0.1:${port}`]);

    expect(exitCode).toBe(6);
    expect(stderr).toMatch(/^belay: cannot reach .* \(no HTTP\/2 there\).*\n$/);
  });

  it("says where it looked, what went wrong and what to do", async () => {
    // Port 1 is reserved and nobody listens there.
    const { exitCode, stdout, stderr } = await belay(["get", "process", "p-1"], {
      BELAY_ADDRESS: "http://127.0.0.1:1",
    });

    expect(exitCode).toBe(6);
    expect(stdout).toBe("");
    expect(stderr).toBe(
      "belay: cannot reach http://127.0.0.1:1 (connection refused): is `belay serve` running? " +
        "Start it, or name another server with --address or BELAY_ADDRESS\n",
    );
  });
});
