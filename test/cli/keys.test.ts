import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { API_KEY_PATTERN } from "../../src/gate/api_key.ts";
import { belay, temporaryFolder } from "./belay_command.ts";

const SECRET_LINE = new RegExp(`${API_KEY_PATTERN.source.replace("$", "\\n$")}`);

describe("belay keys, used wrongly", () => {
  it.each([
    {
      args: ["create", "--scope", "cancel:proces", "--description", "x"],
      says: '"cancel:proces" is no scope. Scopes are cancel:process, ',
    },
    { args: ["create", "--description", "x"], says: "required option '--scope <scope,…>' not specified" },
    { args: ["create", "--scope", "worker"], says: "required option '--description <text>' not specified" },
    {
      args: ["create", "--scope", "worker", "--description", "x", "--expires-in", "90"],
      says: "It must be a span such as 90d",
    },
    {
      args: ["create", "--scope", "worker", "--description", "x", "--expires-at", "2020-01-01T00:00:00Z"],
      says: "It has passed",
    },
    {
      args: ["create", "--scope", "worker", "--description", "x", "--expires-at", "2999-01-01"],
      says: "It must be a time with its zone",
    },
    {
      args: [
        ...["create", "--scope", "worker", "--description", "x", "--expires-in", "1d"],
        ...["--expires-at", "2999-01-01T00:00:00Z"],
      ],
      says: "cannot be used with",
    },
    {
      args: ["create", "--scope", "worker", "--description", "x", "--rate-limit", "fast"],
      says: "such as 100/1s or 6000/1m",
    },
    { args: ["list", "--db", ":memory:"], says: "It must be the path of a file" },
    { args: ["list", "--db", "/tmp/no-such.db"], says: "there is no database /tmp/no-such.db" },
    { args: ["list", "--db", "b.db", "--address", "http://127.0.0.1:1"], says: "give either --address or --db" },
  ])("refuses $args", async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await belay(["keys", ...args]);

    expect(stderr).toMatch(/^belay: .*\n$/);
    expect(stderr).toContain(says);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });
});

describe("belay keys, on the database of a server that does not run", () => {
  it("prints the secret alone, so that a script can take it", async () => {
    const db = join(temporaryFolder(), "belay.db");

    const { exitCode, stdout, stderr } = await belay([
      ...["keys", "create", "--db", db, "--scope", "admin", "--description", "first administrator"],
    ]);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(SECRET_LINE);
    expect(stderr).toMatch(/made key [0-9a-f-]{36} of tenant default: admin, without end/);
    expect(stderr).toContain("the only time that the secret is shown");
    expect(stderr).not.toContain(stdout.trim());
  });

  it("makes files that nobody else may read", async () => {
    const db = join(temporaryFolder(), "belay.db");

    await belay(["keys", "create", "--db", db, "--scope", "admin", "--description", "first"]);

    expect([db, `${db}.lock`].map((path) => statSync(path).mode & 0o077)).toEqual([0, 0]);
  });

  it("lists keys with what they permit and whether they count, never with their secrets", async () => {
    const db = join(temporaryFolder(), "belay.db");
    const made = await belay([
      ...["keys", "create", "--db", db, "--scope", "admin", "--description", "administrator", "--json"],
    ]);
    const { secret, key } = JSON.parse(made.stdout);
    const narrow = ["--scope", "cancel:process,worker", "--allow-address", "192.0.2.0/24", "--rate-limit", "100/1m"];
    await belay(["keys", "create", "--db", db, "--description", "tracker", "--expires-in", "90d", ...narrow]);
    await belay(["keys", "revoke", key.keyId, "--db", db]);

    const shown = await belay(["keys", "list", "--db", db]);
    const json = await belay(["keys", "list", "--db", db, "--json"]);

    const lines = shown.stdout.trim().split("\n");
    expect(lines[0]).toMatch(/^ID +SECRET +SCOPES +STATE +EXPIRES +DESCRIPTION$/);
    expect(lines[1]).toMatch(/ belay_.{6}… +cancel:process,worker +active +\d{4}-.* tracker$/);
    expect(lines[2]).toMatch(/ belay_.{6}… +admin +revoked +never +administrator$/);
    expect(JSON.parse(json.stdout)).toMatchObject([
      {
        scopes: ["cancel:process", "worker"],
        allowedAddresses: ["192.0.2.0/24"],
        rateLimit: { calls: 100, periodSeconds: 60 },
      },
      { keyId: key.keyId, revokeTime: expect.any(String) },
    ]);
    expect(shown.stdout + json.stdout).not.toContain(secret);
  });

  it("ends with 3 for a key that is not there", async () => {
    const db = join(temporaryFolder(), "belay.db");
    await belay(["keys", "create", "--db", db, "--scope", "admin", "--description", "first"]);

    const { exitCode, stderr } = await belay(["keys", "revoke", "nobody's", "--db", db]);

    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: "belay: no key has the id 'nobody's'\n" });
  });

  it("ends with 5 for what the server refuses, and says it once", async () => {
    const db = join(temporaryFolder(), "belay.db");

    const { exitCode, stdout, stderr } = await belay([
      ...[
        "keys",
        "create",
        "--db",
        db,
        "--scope",
        "admin",
        "--description",
        "first",
        "--allow-address",
        "192.0.2.0/33",
      ],
    ]);

    expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: "" });
    expect(stderr.match(/'192.0.2.0\/33' must be an address or a CIDR block/g)).toHaveLength(1);
  });
});
