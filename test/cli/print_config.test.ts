import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { belay, temporaryFolder } from "./belay_command.ts";

const KEY = "a-key-that-must-not-be-shown";

describe("belay serve --print-config", () => {
  it("shows each setting, its value and where it comes from, and ends", async () => {
    const { exitCode, stdout, stderr } = await belay(["serve", "--print-config", "--port", "9000"], {
      BELAY_LOG_LEVEL: "warn",
    });

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^SETTING +VALUE +FROM\n/);
    expect(stdout).toMatch(/^--port +9000 +--port$/m);
    expect(stdout).toMatch(/^--log-level +warn +BELAY_LOG_LEVEL$/m);
    expect(stdout).toMatch(/^--host +127\.0\.0\.1 +default$/m);
    expect(stdout).toMatch(/^--redis-url +not set +default$/m);
  });

  it("knows every option of belay serve", async () => {
    const help = await belay(["serve", "--help"]);
    const { stdout } = await belay(["serve", "--print-config", "--json"]);

    const options = [...help.stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name);
    const names: string[] = JSON.parse(stdout).map(({ name }: { name: string }) => name);
    expect([...names, "--print-config", "--json", "--help"]).toEqual(options);
  });

  it("masks what is secret", async () => {
    const file = join(temporaryFolder(), "keys");
    writeFileSync(file, `${KEY}-2 ops\n${KEY}-3 viewer executions:read\n`);

    const { exitCode, stdout, stderr } = await belay(
      ["serve", "--print-config", "--json", "--api-key", KEY, "--api-key-file", file, "--callback-secret", "hidden-1"],
      { BELAY_REDIS_URL: "redis://belay:hidden-2@cache:6379/1?password=hidden-3" },
    );

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual(
      expect.arrayContaining([
        { name: "--api-key", value: "1 key", from: "--api-key" },
        { name: "--api-key-file", value: `${file} (2 keys)`, from: "--api-key-file" },
        { name: "--callback-secret", value: "set", from: "--callback-secret" },
        { name: "--redis-url", value: "redis://belay:***@cache:6379/1?***", from: "BELAY_REDIS_URL" },
      ]),
    );
    expect(stdout + stderr).not.toMatch(/must-not-be-shown|hidden/);
  });

  it.each([
    { args: ["--tls-cert", import.meta.filename], says: "--tls-cert needs --tls-key beside it" },
    { args: ["--api-key", "short"], says: "The key is shorter than 16 characters" },
    { args: ["--redis-url", "cache:6379"], says: "must be a URL such as redis://127.0.0.1:6379" },
    { args: ["--host", "0.0.0.0", "--db", ":memory:"], says: "can be reached from other machines, and no credentials" },
  ])("shows settings that will be refused too, and then why: $args", async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await belay(["serve", "--print-config", ...args]);

    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/^--port +8080 +default$/m);
    expect(stderr).toMatch(/^belay: .*\n$/);
    expect(stderr).toContain(says);
  });

  it("says what depends on keys in the database", async () => {
    const db = join(temporaryFolder(), "belay.db");
    await belay(["keys", "create", "--db", db, "--scope", "admin", "--description", "first"]);

    const { exitCode, stderr } = await belay(["serve", "--print-config", "--host", "0.0.0.0", "--db", db]);

    expect(exitCode).toBe(0);
    expect(stderr).toContain(`it is refused unless there are keys in ${db}`);
  });
});
