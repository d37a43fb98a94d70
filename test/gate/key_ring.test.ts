import { describe, expect, it } from "vitest";
import { digestOf, mintApiKey, shownPrefixOf } from "../../src/gate/api_key.ts";
import type { Recognition } from "../../src/gate/identity.ts";
import { type KeyGrant, KeyRing } from "../../src/gate/key_ring.ts";
import { createTokens } from "../../src/gate/tokens.ts";
import type { ApiKey, ApiKeys } from "../../src/store/api_keys.ts";

const HERE = "192.0.2.7";
const ADMIN: KeyGrant = { key: "the-first-key-1234", name: "ops", scopes: null };
const VIEWER: KeyGrant = { key: "the-second-key-123", name: "viewer", scopes: ["executions:read"] };

function keyOf(secret: string, change: Partial<ApiKey> = {}): ApiKey {
  return {
    id: "k-1",
    tenant: "acme",
    description: "the night shift",
    prefix: shownPrefixOf(secret),
    digest: digestOf(secret),
    scopes: ["cancel:process"],
    allowedAddresses: [],
    rateLimit: null,
    createdAt: 1,
    createdBy: "key:ops",
    expiresAt: null,
    revokedAt: null,
    ...change,
  };
}

function ringOf(keys: readonly ApiKey[], grants: readonly KeyGrant[] = [], now = 1_000): Promise<KeyRing> {
  const stored: Pick<ApiKeys, "all"> = { all: async () => keys };
  return KeyRing.open(grants, stored, () => now);
}

const identityOf = (recognition: Recognition | null) =>
  recognition !== null && "identity" in recognition ? recognition.identity : null;

describe("the key ring", () => {
  it("tells keys apart, and nothing else is one", async () => {
    const ring = await ringOf([], [ADMIN, VIEWER]);

    expect(identityOf(await ring.recognize(ADMIN.key, HERE))).toMatchObject({
      principal: "key:ops",
      tenant: "default",
      scopes: ["admin"],
      isOperator: true,
    });
    expect(identityOf(await ring.recognize(VIEWER.key, HERE))).toMatchObject({
      principal: "key:viewer",
      scopes: ["executions:read"],
      isOperator: false,
    });
    expect(await ring.recognize("the-second-key-12", HERE)).toBeNull();
    expect(await ring.recognize("", HERE)).toBeNull();
  });

  it("refuses two keys of one name: command ids and the audit log go by it", async () => {
    await expect(ringOf([], [ADMIN, { ...VIEWER, name: "ops" }])).rejects.toThrow(/two keys have the name ops/);
  });

  it("knows the keys of the store by their digest alone", async () => {
    const secret = mintApiKey();
    const ring = await ringOf([keyOf(secret, { rateLimit: { calls: 5, period: 1_000 } })]);

    expect(identityOf(await ring.recognize(secret, HERE))).toMatchObject({
      principal: "key:k-1",
      name: "the night shift",
      tenant: "acme",
      isOperator: false,
      rateLimit: { calls: 5, period: 1_000 },
    });
  });

  it.each([
    ["expired", { expiresAt: 1_000 }, "the key expired at 1970-01-01T00:00:01.000Z"],
    ["was revoked", { revokedAt: 10 }, "the key was revoked"],
    ["is used from elsewhere", { allowedAddresses: ["198.51.100.0/24"] }, "the key may not be used from 192.0.2.7"],
  ])("says why a key does not count that %s", async (_case, change, refused) => {
    const secret = mintApiKey();
    const ring = await ringOf([keyOf(secret, change)]);

    expect(await ring.recognize(secret, HERE)).toEqual({ refused });
  });

  it.each([
    [["192.0.2.0/24"], HERE],
    [["198.51.100.1", "192.0.2.7"], HERE],
    [["2001:db8::/32"], "2001:db8:1::5"],
  ])("lets a key be used from the addresses that it allows: %s", async (allowedAddresses, address) => {
    const secret = mintApiKey();
    const ring = await ringOf([keyOf(secret, { allowedAddresses })]);

    expect(identityOf(await ring.recognize(secret, address))).not.toBeNull();
  });

  it("ends what a key has under way when it is revoked", async () => {
    const secret = mintApiKey();
    const ring = await ringOf([keyOf(secret)]);
    const identity = identityOf(await ring.recognize(secret, HERE));

    ring.revoke("k-1");

    expect(identity?.revoked?.aborted).toBe(true);
    expect(await ring.recognize(secret, HERE)).toEqual({ refused: "the key was revoked" });
  });

  it("stays closed when its last key has ended", async () => {
    expect((await ringOf([])).isEmpty).toBe(true);
    expect((await ringOf([keyOf("x", { revokedAt: 1 })])).isEmpty).toBe(false);
  });
});

describe("tokens", () => {
  it("stand for the identity of their key, over a restart too", async () => {
    const ring = await ringOf([], [VIEWER]);
    const identity = identityOf(await ring.recognize(VIEWER.key, HERE));
    const { token, expiresIn } = await createTokens("secret", ring).issue(identity!);

    const later = createTokens("secret", await ringOf([], [VIEWER]));

    expect(expiresIn).toBe(600);
    expect(identityOf(await later.recognize(token, HERE))).toEqual(identity);
    expect(await later.recognize(`${token}x`, HERE)).toBeNull();
    expect(await createTokens("another", ring).recognize(token, HERE)).toBeNull();
  });

  it("end with their key, and count only where it does", async () => {
    const secret = mintApiKey();
    const ring = await ringOf([keyOf(secret, { allowedAddresses: ["192.0.2.0/24"] })]);
    const tokens = createTokens("secret", ring);
    const { token } = await tokens.issue(identityOf(await ring.recognize(secret, HERE))!);

    expect(await tokens.recognize(token, "198.51.100.1")).toHaveProperty("refused");
    ring.revoke("k-1");

    expect(await tokens.recognize(token, HERE)).toEqual({ refused: "the key was revoked" });
  });
});
