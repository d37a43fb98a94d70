import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SCOPES } from "../../src/gate/scope.ts";
import { DIALECTS } from "../../src/rest/dialects.ts";
import { type AccessPoint, basic, bearer, type Headers, letsIn, type Outcome, whenServed } from "./access_points.ts";
import { nothingOf } from "./belongings.ts";
import { DIALECT_ACCESS } from "./dialect_access.ts";
import { type GatedServer, type MadeKey, startGatedServer } from "./gated_server.ts";
import { newAddress, send } from "./loopback.ts";
import { CONNECT_ACCESS, GRPC_ACCESS, GRPC_WEB_ACCESS } from "./rpc_access.ts";

interface Door {
  readonly door: string;
  readonly access: readonly GuardedAccess[];
}

interface GuardedAccess extends AccessPoint {
  readonly scopes: readonly string[];
}

/** Without those that ask for none. */
function guarded(points: readonly AccessPoint[]): GuardedAccess[] {
  return points.flatMap((point) => (point.scopes === null ? [] : [{ ...point, scopes: point.scopes }]));
}

const DOORS: readonly Door[] = [
  { door: "gRPC", access: guarded(GRPC_ACCESS) },
  { door: "gRPC-Web", access: guarded(GRPC_WEB_ACCESS) },
  { door: "Connect", access: guarded(CONNECT_ACCESS) },
  ...DIALECTS.map(({ name }) => ({
    door: name,
    access: guarded(DIALECT_ACCESS.filter(({ dialect }) => dialect === name)),
  })),
];

/** How soon the key of the matrix ends: longer than it takes to make it. */
const SOON = 1_500;

let server: GatedServer;
let admin: MadeKey;
let expired: MadeKey;
let revoked: MadeKey;
let elsewhere: MadeKey;
/** By their one scope. */
const keys = new Map<string, MadeKey>();

beforeAll(async () => {
  server = await startGatedServer();
  expired = await server.createKey("acme", ["admin"], { expireTime: timestampFromMs(Date.now() + SOON) });
  admin = await server.createKey("acme", ["admin"]);
  elsewhere = await server.createKey("acme", ["admin"], { allowedAddresses: ["192.0.2.0/24", "2001:db8::/32"] });
  revoked = await server.createKey("acme", ["admin"]);
  await server.revoke(revoked);
  for (const scope of SCOPES) keys.set(scope, await server.createKey("acme", [scope]));
  await vi.waitFor(async () => expect(await saidTo(expired)).toContain("expired at"), { timeout: 10_000 });
});
afterAll(() => server.close());

async function saidTo(key: MadeKey): Promise<string> {
  const [listing] = CONNECT_ACCESS.filter(({ name }) => name.endsWith("/ListProcesses"));
  return (await listing!.call(server.url, nothingOf(), bearer(key.secret), newAddress())).said;
}

function call(access: AccessPoint, headers: Headers, from = newAddress()): Promise<Outcome> {
  return whenServed(() => access.call(server.url, nothingOf(), headers, from));
}

/** What is wrong with the answer to a call that was to be refused; null if nothing is. */
function faultOfRefusal(
  access: AccessPoint,
  { status, code, said, field }: Outcome,
  reason: "unauthenticated" | "permission_denied",
  words: string,
): string | null {
  // Dialects tell by the status alone.
  const isRefused = status === access.statusOf(reason) && (code === null || code === reason);
  // RFC 9110 asks for it with every 401.
  const isChallenged = status !== 401 || /^(Bearer|Basic)/.test(field("www-authenticate") ?? "");
  const isRight = isRefused && isChallenged && said.includes(words) && !said.includes("belay_");
  return isRight ? null : `${access.name}: ${status} ${code} ${said}`;
}

function isLetIn(access: AccessPoint, { status, code }: Outcome): boolean {
  const refusals = ["unauthenticated", "permission_denied"] as const;
  if (code !== null) return !refusals.some((reason) => code === reason);
  return !refusals.some((reason) => status === access.statusOf(reason));
}

const CREDENTIALS: readonly { what: string; headers: (access: AccessPoint) => readonly Headers[]; words: string }[] = [
  { what: "no credentials", headers: () => [{}, { authorization: "" }], words: "no credentials" },
  {
    what: "a key that nobody has",
    headers: ({ styles }) => styles.map((show) => show(`belay_${"0".repeat(49)}`)),
    words: "the credentials are not valid",
  },
  {
    what: "a header that can't be read",
    headers: () => [
      { authorization: "Bearer" },
      { authorization: `Bearer two ${admin.secret}` },
      { authorization: admin.secret },
      { authorization: "Basic %%%" },
      { authorization: "Digest username=x" },
      { "dd-api-key": admin.secret },
    ],
    words: "no credentials",
  },
  {
    what: "an expired key",
    headers: ({ styles }) => styles.map((show) => show(expired.secret)),
    words: "the key expired at 20",
  },
  {
    what: "a revoked key",
    headers: ({ styles }) => styles.map((show) => show(revoked.secret)),
    words: "the key was revoked",
  },
  {
    what: "a key that is not for this address",
    headers: ({ styles }) => styles.map((show) => show(elsewhere.secret)),
    words: "the key may not be used from 127.1.",
  },
];

describe.each(DOORS)("over $door", ({ access }) => {
  it.each(CREDENTIALS)("a call with $what is refused", async ({ headers, words }) => {
    const faults: (string | null)[] = [];

    for (const each of access) {
      for (const shown of headers(each)) {
        faults.push(faultOfRefusal(each, await call(each, shown), "unauthenticated", words));
      }
    }

    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  });

  it.each(SCOPES)("the scope %s alone lets in where the contract says so, and nowhere else", async (scope) => {
    const faults: (string | null)[] = [];

    for (const each of access) {
      const outcome = await call(each, each.styles[0]!(keys.get(scope)!.secret));
      const words = `lacks the scope ${each.scopes.join(" or ")}`;
      if (letsIn(each.scopes, scope)) faults.push(isLetIn(each, outcome) ? null : `${each.name}: ${outcome.said}`);
      else faults.push(faultOfRefusal(each, outcome, "permission_denied", words));
    }

    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  });

  it("the right key is let in, in every style", async () => {
    const faults: string[] = [];

    for (const each of access) {
      for (const show of each.styles) {
        const outcome = await call(each, show(admin.secret));
        if (!isLetIn(each, outcome)) faults.push(`${each.name}: ${outcome.said}`);
      }
    }

    expect(faults).toEqual([]);
  });
});

describe("a key", () => {
  it("for some addresses counts at these", async () => {
    const from = newAddress();
    const { secret } = await server.createKey("acme", ["admin"], { allowedAddresses: ["192.0.2.1", `${from}/32`] });

    for (const access of [GRPC_ACCESS[0]!, CONNECT_ACCESS[0]!, DIALECT_ACCESS[0]!]) {
      expect(isLetIn(access, await call(access, bearer(secret), from))).toBe(true);
      expect(isLetIn(access, await call(access, bearer(secret)))).toBe(false);
    }
  });

  it("beside another one counts where both do, and only there", async () => {
    const [cancel] = DIALECT_ACCESS.filter(({ route, dialect }) => dialect === "Datadog" && route.endsWith("/cancel"));
    const stranger = await server.createKey("globex", ["admin"]);
    const shown = (application: MadeKey): Headers => ({
      "dd-api-key": admin.secret,
      "dd-application-key": application.secret,
    });

    expect((await call(cancel!, shown(keys.get("cancel:*")!))).status).toBe(404);
    expect(await call(cancel!, shown(keys.get("worker")!))).toMatchObject({ status: 403 });
    expect((await call(cancel!, shown(revoked))).said).toContain("the key was revoked");
    expect((await call(cancel!, shown(stranger))).said).toContain("the credentials belong to different tenants");
  });

  it("is asked for where Connect reads by GET too, and does not count in the URL", async () => {
    const path = "/belay.v1.KeyService/ListKeys?connect=v1&encoding=json&message=%7B%7D";
    const ask = (headers: Headers, query = "") =>
      send(server.url, { method: "GET", path: `${path}${query}`, headers }, newAddress());

    const statuses = [
      await ask({}),
      await ask({}, `&access_token=${admin.secret}`),
      await ask(bearer(keys.get("worker")!.secret)),
      await ask(bearer(admin.secret)),
    ].map(({ status }) => status);

    expect(statuses).toEqual([401, 401, 403, 200]);
  });

  it("in a second style mends nothing where the first one is wrong", async () => {
    const [listing] = GRPC_ACCESS.filter(({ name }) => name.endsWith("/ListProcesses"));

    const outcome = await call(listing!, { ...basic("wrong"), "api-key": admin.secret });

    expect(faultOfRefusal(listing!, outcome, "unauthenticated", "the credentials are not valid")).toBeNull();
  });
});

describe("without any key", () => {
  it("only the token endpoints of the dialects can be asked, and they give nothing", async () => {
    const open = DIALECT_ACCESS.filter(({ scopes }) => scopes === null);

    expect(open.map(({ route }) => route)).toEqual(["POST /oauth/token", "POST /oauth2/token"]);
    for (const access of open) {
      const { status, said, field } = await call(access, {});
      expect({ status, said: JSON.parse(said) }).toMatchObject({ status: 401, said: { error: "invalid_client" } });
      expect(field("www-authenticate")).toMatch(/^Basic/);
    }
  });
});
