import { describe, expect, it, onTestFinished } from "vitest";
import { belay, startBelay, startServer, type TestServer, temporaryFolder } from "./belay_command.ts";

const STATIC = "a-static-key-of-the-operator";

async function serverIn(folder: string, ...args: readonly string[]): Promise<TestServer> {
  const server = await startServer(folder, ...args);
  onTestFinished(server.stop);
  return server;
}

describe("belay audit, over the network", () => {
  it("shows what was refused, and follows what is to come", async () => {
    const { address } = await serverIn(temporaryFolder(), "--api-key", STATIC);
    const env = { BELAY_API_KEY: STATIC };
    const following = startBelay(["audit", "--refused", "--follow", "--address", address], env);
    onTestFinished(() => void following.process.kill("SIGKILL"));

    await belay(["cancel", "process", "p-1", "--address", address], env);
    await belay(["cancel", "process", "p-2", "--address", address], { BELAY_API_KEY: "somebody-elses-key" });

    await following.prints(
      /CancelProcess process p-1: EXECUTION_NOT_FOUND .*, by key-1 \(key:key-1\) from 127\.0\.0\.1/,
    );
    await following.prints(/CancelProcess.*: UNAUTHENTICATED .*, by somebody unknown from 127\.0\.0\.1/);
    const verified = await belay(["audit", "verify", "--address", address], env);
    expect(verified).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("the log fits: 2 events, 1 to 2") });
  });

  it("can be narrowed down to an execution and a caller", async () => {
    const { address } = await serverIn(temporaryFolder(), "--api-key", STATIC);
    const env = { BELAY_API_KEY: STATIC };
    for (const id of ["p-1", "p-2"]) await belay(["cancel", "process", id, "--address", address], env);

    const one = await belay(["audit", "--execution", "process/p-2", "--address", address, "--json"], env);
    const none = await belay(["audit", "--principal", "key:nobody", "--address", address, "--json"], env);

    expect(JSON.parse(one.stdout)).toMatchObject({ number: "2", execution: { id: "p-2" }, principal: "key:key-1" });
    expect(none.stdout).toBe("");
  });

  it("is intact whatever callers send, half characters at the end of a text that is cut included", async () => {
    const { address } = await serverIn(temporaryFolder());
    const cut = { reason: `${"a".repeat(4095)}\u{1f9d7}`, requestedBy: { user: `${"b".repeat(254)}\u{1f9d7}` } };
    const bodies = [
      JSON.stringify({ processId: `${"c".repeat(254)}\u{1f9d7}`, ...cut, reason: `${cut.reason}d` }),
      '{"processId": "p-1", "reason": "half \\ud83e a character"}',
      '{"processId": "p-1\\u0000", "reason": "\\u0000 \\u001b[2J \\u2028"}',
    ];

    for (const body of bodies) {
      const headers = { "content-type": "application/json" };
      const url = `${address}/belay.v1.CancellationService/CancelProcess`;
      expect((await fetch(url, { method: "POST", headers, body })).status).toBe(422);
    }

    const { exitCode, stdout } = await belay(["audit", "verify", "--address", address]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("the log fits");
  });
});
