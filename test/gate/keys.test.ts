import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Refused } from "../../src/domain/refusal.ts";
import { API_KEY_PATTERN, isWellFormed } from "../../src/gate/api_key.ts";
import { ANONYMOUS, type Identity, type Recognition } from "../../src/gate/identity.ts";
import { KeyRing } from "../../src/gate/key_ring.ts";
import { createKeys, type Keys, type Manager, type NewKey } from "../../src/gate/keys.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";

const NOW = 1_800_000_000_000;
const HERE = "192.0.2.7";

const OPERATOR: Identity = { ...ANONYMOUS, principal: "key:operator", name: "operator" };
const ADMIN: Identity = { ...OPERATOR, tenant: "acme", principal: "key:admin", isOperator: false };

let store: Store;
let ring: KeyRing;
let keys: Keys;
beforeEach(async () => {
  store = await openSqliteStore(":memory:");
  ring = await KeyRing.open([], store.apiKeys, () => NOW);
  keys = keysWith({ isOpen: false });
});
afterEach(() => store.close());

function keysWith({ isOpen }: { readonly isOpen: boolean }): Keys {
  return createKeys({ store: store.apiKeys, ring, now: () => NOW, isOpen: () => isOpen });
}

function by(identity: Identity): Manager {
  const { principal, name } = identity;
  return { identity, audit: { action: "a call", principal, name, address: HERE, requestId: "r-1" } };
}

function newKey(change: Partial<NewKey> = {}): NewKey {
  const nothing = { tenant: "", expiresAt: null, allowedAddresses: [], rateLimit: null };
  return { description: "the night shift", scopes: ["worker"], ...nothing, ...change };
}

async function refusalOf(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof Refused) return error.refusal;
  throw new Error("the call was not refused", { cause: error });
}

/** Without the signal of its revocation, which is another after a restart. */
function identityOf(recognition: Recognition | null) {
  if (recognition === null || "refused" in recognition) throw new Error("the key is not known");
  const { revoked, ...identity } = recognition.identity;
  return { ...identity, isRevoked: revoked?.aborted };
}

async function logOf(tenant: string) {
  const all = { execution: null, principal: "", from: null, to: null, refusedOnly: false };
  return (await store.audit.list(tenant, all, 0, 100)).events;
}

describe("a key that is made", () => {
  it("counts at once, and its secret is kept nowhere", async () => {
    const { key, secret } = await keys.create(by(ADMIN), newKey({ allowedAddresses: ["192.0.2.0/24"] }));

    expect(secret).toMatch(API_KEY_PATTERN);
    expect(isWellFormed(secret)).toBe(true);
    expect(await ring.recognize(secret, HERE)).toMatchObject({
      identity: {
        tenant: "acme",
        principal: `key:${key.id}`,
        name: "the night shift",
        scopes: ["worker"],
        isOperator: false,
      },
    });
    expect(await ring.recognize(secret, "198.51.100.1")).toHaveProperty("refused");
    const kept = JSON.stringify([await store.apiKeys.all(), await logOf("acme")]);
    expect(kept).toContain(key.prefix);
    expect(kept).not.toContain(secret.slice(key.prefix.length, -6));
  });

  it("knows who made it, and so does the log of its tenant", async () => {
    const { key } = await keys.create(by(OPERATOR), newKey({ tenant: "acme", scopes: ["worker", "executions:read"] }));

    expect(key).toMatchObject({ tenant: "acme", createdBy: "key:operator", createdAt: NOW, revokedAt: null });
    expect(await logOf("acme")).toMatchObject([
      {
        action: "a call",
        principal: "key:operator",
        outcome: "applied",
        reason: `key ${key.id}: worker, executions:read`,
      },
    ]);
    expect(await logOf("default")).toEqual([]);
  });

  it("counts after a restart as it did before", async () => {
    const expiresAt = NOW + 1;
    const { secret } = await keys.create(by(ADMIN), newKey({ expiresAt, rateLimit: { calls: 5, period: 1_000 } }));
    const before = identityOf(await ring.recognize(secret, HERE));

    const [later, tooLate] = await Promise.all(
      [NOW, expiresAt].map((now) => KeyRing.open([], store.apiKeys, () => now)),
    );

    expect(identityOf(await later!.recognize(secret, HERE))).toEqual(before);
    expect(before).toMatchObject({ expiresAt, rateLimit: { calls: 5, period: 1_000 } });
    expect(await tooLate!.recognize(secret, HERE)).toEqual({
      refused: `the key expired at ${new Date(expiresAt).toISOString()}`,
    });
  });

  it.each([
    { change: { expiresAt: NOW }, field: "expire_time", says: "must be in the future" },
    { change: { expiresAt: NOW - 1 }, field: "expire_time", says: "must be in the future" },
    {
      change: { allowedAddresses: ["192.0.2.1", "192.0.2.0/33"] },
      field: "allowed_addresses[1]",
      says: "'192.0.2.0/33' must be an address or a CIDR block, for example 192.0.2.0/24",
    },
    {
      change: { allowedAddresses: ["localhost"] },
      field: "allowed_addresses[0]",
      says: "'localhost' must be an address",
    },
    { change: { allowedAddresses: [""] }, field: "allowed_addresses[0]", says: "must be an address" },
  ])("is refused where it could never count, with the field: $change", async ({ change, field, says }) => {
    const refused = await refusalOf(keys.create(by(ADMIN), newKey(change)));

    expect(refused).toMatchObject({ reason: "invalid_request", metadata: { field } });
    expect(refused.message).toContain(says);
    expect(await store.apiKeys.all()).toEqual([]);
  });
});

describe("the first key", () => {
  it("must be an admin's, where nothing else lets anybody in", async () => {
    const open = keysWith({ isOpen: true });

    const refused = await refusalOf(open.create(by(OPERATOR), newKey({ scopes: ["cancel:*", "worker"] })));
    const { secret } = await open.create(by(OPERATOR), newKey({ scopes: ["admin"] }));

    expect(refused).toMatchObject({ reason: "invalid_request", metadata: { field: "scopes" } });
    expect(refused.message).toContain("the first key must have the scope admin");
    expect(ring.isEmpty).toBe(false);
    expect(await ring.recognize(secret, HERE)).toHaveProperty("identity");
  });
});

describe("an admin of a tenant", () => {
  it("manages the keys of that tenant, and of no other", async () => {
    const { key } = await keys.create(by(OPERATOR), newKey({ tenant: "globex" }));

    const refused = await Promise.all([
      refusalOf(keys.create(by(ADMIN), newKey({ tenant: "globex" }))),
      refusalOf(keys.list(ADMIN, "globex", { size: 10, token: "" })),
      refusalOf(keys.revoke(by(ADMIN), "globex", key.id)),
    ]);
    const byId = await refusalOf(keys.revoke(by(ADMIN), "", key.id));

    for (const { reason, message } of refused) {
      expect(reason).toBe("permission_denied");
      expect(message).toBe("only an operator of the server manages the tenant globex; you manage acme");
    }
    expect(byId).toMatchObject({ reason: "key_not_found", message: `no key has the id '${key.id}'` });
    expect((await store.apiKeys.all()).map(({ revokedAt }) => revokedAt)).toEqual([null]);
  });

  it("may name its own tenant", async () => {
    const { key } = await keys.create(by(ADMIN), newKey({ tenant: "acme" }));

    const { items } = await keys.list(ADMIN, "acme", { size: 10, token: "" });

    expect(items).toEqual([key]);
  });
});

describe("the list of keys", () => {
  it("shows each once, page by page, those that have ended included", async () => {
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) made.push((await keys.create(by(ADMIN), newKey())).key.id);
    await keys.create(by(OPERATOR), newKey({ tenant: "globex" }));
    await keys.revoke(by(ADMIN), "", made[2]!);

    const seen: string[] = [];
    for (let token = "", isLast = false; !isLast; ) {
      const page = await keys.list(ADMIN, "", { size: 2, token });
      seen.push(...page.items.map(({ id }) => id));
      token = page.nextPageToken;
      isLast = token === "";
    }

    expect(seen).toEqual(made.toReversed());
  });
});

describe("a key that is revoked", () => {
  it("ends at once, for good, and once in the log", async () => {
    const { key, secret } = await keys.create(by(ADMIN), newKey());

    const first = await keys.revoke(by(ADMIN), "", key.id);
    const again = await keys.revoke(by(ADMIN), "", key.id);

    expect(first.revokedAt).toBe(NOW);
    expect(again).toEqual(first);
    expect(await ring.recognize(secret, HERE)).toEqual({ refused: "the key was revoked" });
    const later = await KeyRing.open([], store.apiKeys, () => NOW);
    expect(await later.recognize(secret, HERE)).toEqual({ refused: "the key was revoked" });
    expect((await logOf("acme")).map(({ reason }) => reason)).toEqual([`key ${key.id}: worker`, `key ${key.id}`]);
  });
});
