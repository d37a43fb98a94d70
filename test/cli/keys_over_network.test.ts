import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { belay, startServer, type TestServer, temporaryFolder } from "./belay_command.ts";

const STATIC = "a-static-key-of-the-operator";

async function serverIn(folder: string, ...args: readonly string[]): Promise<TestServer> {
  const server = await startServer(folder, ...args);
  onTestFinished(server.stop);
  return server;
}

describe("belay keys, over the network", () => {
  it("makes the first key on a server that lets everybody on the machine in, and from then on needs it", async () => {
    const { address } = await serverIn(temporaryFolder());
    const create = ["keys", "create", "--address", address, "--description", "administrator"];

    const narrow = await belay([...create, "--scope", "worker"]);
    const made = await belay([...create, "--scope", "admin"]);
    const without = await belay(["keys", "list", "--address", address]);
    const key = made.stdout.trim();
    const withKey = await belay(["keys", "list", "--address", address], { BELAY_API_KEY: key });

    expect(narrow.exitCode).toBe(5);
    expect(narrow.stderr).toContain("the first key must have the scope admin");
    expect(made.exitCode).toBe(0);
    expect(without.exitCode).toBe(5);
    expect(without.stderr).toContain("set BELAY_API_KEY to a key that the server knows");
    expect(withKey).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("administrator") });
  });

  it("says which scope a key lacks", async () => {
    const { address } = await serverIn(temporaryFolder(), "--api-key", STATIC);
    const made = await belay(
      ["keys", "create", "--address", address, "--scope", "executions:read", "--description", "viewer"],
      { BELAY_API_KEY: STATIC },
    );

    const { exitCode, stderr } = await belay(["keys", "list", "--address", address], {
      BELAY_API_KEY: made.stdout.trim(),
    });

    expect(exitCode).toBe(5);
    expect(stderr).toContain("lacks the scope admin");
  });

  it("leaves other tenants to operators", async () => {
    const { address } = await serverIn(temporaryFolder(), "--api-key", STATIC);
    const create = ["keys", "create", "--address", address, "--scope", "admin", "--description", "theirs"];
    const theirs = await belay([...create, "--tenant", "ugc"], { BELAY_API_KEY: STATIC });
    const env = { BELAY_API_KEY: theirs.stdout.trim() };

    const own = await belay(["keys", "list", "--address", address, "--json"], env);
    const others = await belay(["keys", "list", "--address", address, "--tenant", "default"], env);

    expect(JSON.parse(own.stdout)).toMatchObject([{ tenant: "ugc", description: "theirs" }]);
    expect(others.exitCode).toBe(5);
    expect(others.stderr).toContain("only an operator of the server");
  });

  it("revokes a key, which then lets nobody in", async () => {
    const { address } = await serverIn(temporaryFolder(), "--api-key", STATIC);
    const made = await belay(
      ["keys", "create", "--address", address, "--scope", "admin", "--description", "lost", "--json"],
      { BELAY_API_KEY: STATIC },
    );
    const { key, secret } = JSON.parse(made.stdout);

    const revoked = await belay(["keys", "revoke", key.keyId, "--address", address], { BELAY_API_KEY: STATIC });
    const tried = await belay(["keys", "list", "--address", address], { BELAY_API_KEY: secret });

    expect(revoked).toMatchObject({ exitCode: 0, stdout: `key ${key.keyId} is revoked\n` });
    expect(tried.exitCode).toBe(5);
    expect(tried.stderr).toContain("the key was revoked");
  });

  it("does not touch the database of a server that runs, and says to ask that one", async () => {
    const folder = temporaryFolder();
    await serverIn(folder);

    const { exitCode, stderr } = await belay(["keys", "list", "--db", join(folder, "belay.sqlite")]);

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/another Belay has .* open.* If a server runs on it, talk to that one: --address/);
  });
});
