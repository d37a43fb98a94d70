import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startBelay, temporaryFolder } from "../cli/belay_command.ts";
import { basic, bearer, type Headers } from "./access_points.ts";
import { clientsOf } from "./clients.ts";
import { datadog } from "./rpc_access.ts";

const STYLES: readonly ((key: string) => Headers)[] = [
  bearer,
  basic,
  datadog,
  (key) => ({ "api-key": key }),
  (key) => ({ apikey: key }),
  // As somebody would show it who has not read how.
  (key) => ({ authorization: key }),
  (key) => ({ "x-api-key": key, cookie: `key=${key}` }),
];

const PATHS = [
  "/processes/p-1",
  "/v5/assessments/a-1",
  "/v1/workflows/runs/r-1",
  "/v2/process-instances/17",
  "/nowhere",
];

/** Uses the key in every way there is, right and wrong. Resolves with the tokens that it was exchanged for. */
async function useEverywhere(url: string, key: string): Promise<string[]> {
  for (const show of STYLES) {
    for (const path of PATHS) await (await fetch(`${url}${path}`, { headers: show(key) })).text();
    const call = { method: "POST", headers: { "content-type": "application/json", ...show(key) } };
    await (await fetch(`${url}/belay.v1.ExecutionService/GetProcess`, { ...call, body: "{" })).text();
    await (await fetch(`${url}/belay.v1.CancellationService/CancelProcess`, { ...call, body: "{}" })).text();
  }
  await (await fetch(`${url}/v1/workflows/runs/r-1?access_token=${key}`)).text();
  await (await fetch(`${url}/processes/p-1?access_token=${key}`)).text();
  await clientsOf(url, key).executions.listProcesses({});
  const tokens = ["/oauth/token", "/oauth2/token"].map(async (path) => {
    const body = new URLSearchParams({ grant_type: "client_credentials", client_id: "any", client_secret: key });
    const { access_token } = (await (await fetch(`${url}${path}`, { method: "POST", body })).json()) as {
      access_token: string;
    };
    await (await fetch(`${url}/processes/p-1`, { headers: bearer(access_token) })).text();
    return access_token;
  });
  return Promise.all(tokens);
}

it("neither a key nor a token is in the files of the database, nor in the log at its most talkative", async () => {
  const folder = temporaryFolder();
  const configured = "a-key-of-the-configuration";
  const keyFile = join(folder, "keys.txt");
  writeFileSync(keyFile, `${configured} ops\n`, { mode: 0o600 });
  const started = startBelay(
    ["serve", "--port", "0", "--db", join(folder, "belay.sqlite"), "--log-level", "trace", "--access-token-in-query"],
    { BELAY_API_KEY_FILE: keyFile },
  );
  onTestFinished(() => void started.process.kill("SIGKILL"));
  const [, url = ""] = await started.prints(/^belay: listening on (https?:\S+)/m);
  const operator = clientsOf(url, configured);
  const made = await operator.keys.createKey({ description: "the night shift", scopes: ["admin"] });
  const revoked = await operator.keys.createKey({ description: "to be revoked", scopes: ["admin"] });

  const tokens = await useEverywhere(url, made.secret);
  const ofConfiguration = await useEverywhere(url, configured);
  await operator.keys.revokeKey({ keyId: revoked.key!.keyId });
  await (await fetch(`${url}/processes/p-1`, { headers: bearer(revoked.secret) })).text();

  const filesWhileOpen = filesIn(folder, keyFile);
  started.process.kill("SIGTERM");
  await started.ended;
  const places = { ...filesWhileOpen, log: started.output() };
  const secrets = [made.secret, revoked.secret, configured, ...tokens, ...ofConfiguration];
  expect(Object.keys(filesWhileOpen)).toEqual(expect.arrayContaining(["belay.sqlite", "belay.sqlite-wal"]));
  for (const [place, text] of Object.entries({ ...places, ...filesIn(folder, keyFile) })) {
    for (const secret of secrets) {
      expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
      // Nor in the way in which Basic credentials carry it.
      expect(text.includes(Buffer.from(`anybody:${secret}`).toString("base64")), `${secret} in ${place}`).toBe(false);
    }
  }
  // What is kept is the hash, and what is logged is who it was.
  expect(filesWhileOpen["belay.sqlite-wal"]).toContain(createHash("sha256").update(made.secret).digest("hex"));
  expect(places.log).toContain(`key:${made.key!.keyId}`);
});

function filesIn(folder: string, except: string): Record<string, string> {
  const files = readdirSync(folder).filter((name) => join(folder, name) !== except);
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}
