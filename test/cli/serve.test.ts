import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { belay, type Started, startBelay, startServer, temporaryFolder } from "./belay_command.ts";
import { type Api, api, instanceWithListener } from "./fixtures.ts";

/** Takes nothing: each write fails as on a full disk. */
const FULL_DISK = "/dev/full";

const hasFullDisk = existsSync(FULL_DISK);
if (!hasFullDisk) console.warn(`skipped: a server without room for its log, because there is no ${FULL_DISK}`);

/** A port that is in use until the test has finished. */
async function usedPort(): Promise<number> {
  const blocker = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void blocker.close());
  await once(blocker, "listening");
  const address = blocker.address();
  return typeof address === "object" && address !== null ? address.port : Number.NaN;
}

describe("belay serve, set up wrongly", () => {
  it.each([
    { args: ["--port", "http"], says: "It must be a whole number from 0 to 65535." },
    { args: ["--port", "65536"], says: "It must be a whole number from 0 to 65535." },
    {
      args: ["--host", "0.0.0.0", "--port", "0", "--db", ":memory:"],
      says: "no credentials are configured: give --api-key-file",
    },
    { args: ["--callback-secret", ""], says: "(BELAY_CALLBACK_SECRET) is empty" },
    { args: ["--json"], says: "--json is only for --print-config" },
    { args: ["--access-token-in-query", "maybe"], says: "It must be true or false." },
    { args: ["--db", "/no/such/directory/belay.db"], says: "There is no directory /no/such/directory" },
    { args: ["--tls-cert", import.meta.filename], says: "--tls-cert needs --tls-key beside it" },
    { args: ["--tls-key", "/no/such/key.pem"], says: "It must be the path of a PEM file that this user may read." },
    { args: ["--log-level", "loud"], says: "Allowed choices are silent, fatal, error, warn, info, debug, trace." },
    { args: ["--cors-origin", "example.com"], says: '"example.com" is no origin' },
    { args: ["--shutdown-grace", "-1"], says: "It must be a whole number from 0 to 3600." },
  ])("refuses $args", async ({ args, says }) => {
    const { exitCode, stderr } = await belay(["serve", ...args]);

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^belay: .*\n$/);
    expect(stderr).toContain(says);
  });

  it("names the environment variable that is wrong", async () => {
    const { exitCode, stderr } = await belay(["serve"], { BELAY_PORT: "http" });

    expect(exitCode).toBe(2);
    expect(stderr).toContain("from env 'BELAY_PORT' is invalid. It must be a whole number");
  });

  it.each([
    { args: ["--api-key", "hidden"], says: "key 1 of --api-key (BELAY_API_KEY) is not valid. The key is shorter" },
    { args: ["--api-key", "this hidden key has spaces in it"], says: "It has a space in it." },
    { args: ["--redis-url", "rediss:/hidden@h/x"], says: "must be a URL such as redis://127.0.0.1:6379" },
    { args: ["--apikey=hidden"], says: "unknown option '--apikey'" },
  ])("complains of $args without repeating the secret", async ({ args, says }) => {
    const { exitCode, stderr } = await belay(["serve", ...args]);

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^belay: .*\n$/);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain("hidden");
  });

  it("says which port is in use", async () => {
    const port = await usedPort();

    const { exitCode, stderr } = await belay(["serve", "--port", String(port), "--db", ":memory:"]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(`belay: port ${port} on 127.0.0.1 is in use`);
  });

  it("says which file is no database", async () => {
    const path = join(temporaryFolder(), "letter.txt");
    writeFileSync(path, "Dear reader, this is not a database, however long it may be.\n".repeat(100));

    const { exitCode, stderr } = await belay(["serve", "--port", "0", "--db", path]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(`belay: can't open the database ${path}: file is not a database`);
  });
});

describe("belay serve, where other machines can reach it", () => {
  it("is refused without credentials, with a way out that works", async () => {
    const db = join(temporaryFolder(), "belay.db");
    const reachable = ["serve", "--host", "0.0.0.0", "--port", "0", "--db", db];

    const refused = await belay(reachable);
    const made = await belay(["keys", "create", "--db", db, "--scope", "admin", "--description", "first"]);
    expect(made).toMatchObject({ exitCode: 0 });
    const server = startBelay(reachable);
    onTestFinished(async () => {
      server.process.kill("SIGKILL");
      await server.ended;
    });

    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(/^belay: --host 0\.0\.0\.0 can be reached from other machines, .*\n$/);
    expect(refused.stderr).toContain(`make a key (belay keys create --db ${db} --scope admin --description …)`);
    await server.prints(/listening on http:\/\/0\.0\.0\.0:\d+/);
    expect(server.output()).not.toContain("loopback");
  });
});

describe("belay serve", () => {
  it("says where it listens, and that it is on loopback only", async () => {
    const server = await startServer(temporaryFolder());
    onTestFinished(server.stop);

    expect(server.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await server.prints(/on the loopback interface only, .* no credentials are configured/);
    expect(server.output()).toContain(`${server.address} (gRPC, gRPC-Web, Connect, HTTP/JSON)`);
  });

  it("makes a database that nobody else may read", async () => {
    const folder = temporaryFolder();
    const server = await startServer(folder);
    onTestFinished(server.stop);

    const others = readdirSync(folder).filter((name) => (statSync(join(folder, name)).mode & 0o077) !== 0);

    expect(others).toEqual([]);
  });

  it("takes its settings from the environment, and flags first", async () => {
    const folder = temporaryFolder();
    const taken = await usedPort();
    const server = startBelay(["serve", "--port", "0"], {
      BELAY_PORT: String(taken),
      BELAY_HOST: "localhost",
      BELAY_DB: join(folder, "env.sqlite"),
      BELAY_LOG_LEVEL: "error",
    });
    onTestFinished(async () => {
      server.process.kill("SIGKILL");
      await server.ended;
    });

    const [, port] = await server.prints(/listening on http:\/\/[^:]+:(\d+)/);

    expect(Number(port)).not.toBe(taken);
  });

  it("speaks TLS with a certificate, to whom trusts it", async () => {
    const [certificate, key] = ["cert.pem", "key.pem"].map((name) =>
      join(import.meta.dirname, "../server/certificate", name),
    );
    const server = await startServer(temporaryFolder(), "--tls-cert", certificate!, "--tls-key", key!);
    onTestFinished(server.stop);

    const stranger = await belay(["list", "processes", "--address", server.address]);
    const friend = await belay(["list", "processes", "--address", server.address, "--json"], {
      NODE_EXTRA_CA_CERTS: certificate!,
    });

    expect(server.address).toMatch(/^https:/);
    expect(stranger.exitCode).toBe(6);
    expect(stranger.stderr).toContain("NODE_EXTRA_CA_CERTS");
    expect(friend).toMatchObject({ exitCode: 0, stdout: "[]\n" });
  });

  it.each(["SIGTERM", "SIGINT"] as const)("shuts down in order at %s", async (signal) => {
    const server = await startServer(temporaryFolder());
    onTestFinished(server.stop);

    server.process.kill(signal);

    expect(await server.ended).toBe(0);
    expect(server.output()).toContain(`belay: ${signal}: stopping`);
    expect(server.output()).toContain("belay: stopped");
  });

  it("goes on, and shuts down in order, when nobody reads its messages any more", async () => {
    const server = await startServer(temporaryFolder());
    onTestFinished(server.stop);
    const { stderr } = server.process;
    stderr?.destroy();

    const listed = await belay(["list", "processes", "--address", server.address, "--json"]);
    server.process.kill("SIGTERM");

    expect(listed).toMatchObject({ exitCode: 0, stdout: "[]\n" });
    expect(await server.ended).toBe(0);
  });

  it.skipIf(!hasFullDisk)("goes on, and shuts down in order, when its disk has no room for its log", async () => {
    const { server, address, client } = await serverWithoutRoom();
    const id = await instanceWithListener(client);
    await server.prints(/the log can't be written: ENOSPC: .*; the server goes on without it/);

    const shown = await belay(["get", "process-instance", id, "--address", address]);
    server.process.kill("SIGTERM");

    expect(shown.exitCode).toBe(0);
    expect(await server.ended).toBe(0);
  });

  it.skipIf(!hasFullDisk)("ends at once at the second signal, though its disk has no room for its log", async () => {
    const { server, address, client } = await serverWithoutRoom();
    const id = await instanceWithListener(client);
    const waiting = startBelay(["cancel", "process-instance", id, "--timeout", "3600", "--address", address]);
    await listenerJobOffered(client, id);
    await server.prints(/the log can't be written/);

    server.process.kill("SIGTERM");
    await server.prints(/SIGTERM: stopping/);
    server.process.kill("SIGTERM");

    expect(await server.ended).toBe(143);
    expect(await waiting.ended).toBe(6);
  });

  it("ends at once at the second signal, though a call is under way", async () => {
    const server = await startServer(temporaryFolder(), "--shutdown-grace", "3600");
    const client = api(server.address);
    onTestFinished(async () => {
      client.close();
      await server.stop();
    });
    const id = await instanceWithListener(client);
    const waiting = startBelay(["cancel", "process-instance", id, "--timeout", "3600", "--address", server.address]);
    await listenerJobOffered(client, id);

    server.process.kill("SIGTERM");
    await server.prints(/SIGTERM: stopping/);
    server.process.kill("SIGTERM");

    expect(await server.ended).toBe(143);
    expect(await waiting.ended).toBe(6);
  });

  async function serverWithoutRoom(): Promise<{ server: Started; address: string; client: Api }> {
    const fullDisk = openSync(FULL_DISK, "w");
    const db = join(temporaryFolder(), "belay.sqlite");
    const server = startBelay(["serve", "--port", "0", "--db", db, "--shutdown-grace", "3600"], {}, fullDisk);
    closeSync(fullDisk);
    const [, address = ""] = await server.prints(/listening on (http:\S+)/);
    const client = api(address);
    onTestFinished(async () => {
      client.close();
      server.process.kill("SIGKILL");
      await server.ended;
    });
    return { server, address, client };
  }

  async function listenerJobOffered({ executions }: Api, id: string): Promise<void> {
    const execution = { kind: Kind.PROCESS_INSTANCE, id };
    for await (const { event } of executions.watchExecution({ execution })) {
      if (event?.type === EventType.LISTENER_JOB_CREATED) return;
    }
  }
});
