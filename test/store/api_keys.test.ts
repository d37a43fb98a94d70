import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiKey } from "../../src/store/api_keys.ts";
import type { AuditEntry } from "../../src/store/audit.ts";
import type { Store } from "../../src/store/store.ts";
import { DATABASES, openStore, type StoreUnderTest } from "./databases.ts";

let test: StoreUnderTest;
let store: Store;

function keyNumber(number: number, tenant = "acme"): ApiKey {
  return {
    id: `${tenant}-${number}`,
    tenant,
    description: `of "${number}"`,
    prefix: "belay_",
    digest: `${tenant}${number}`.padStart(64, "0"),
    scopes: ["admin", "worker"],
    allowedAddresses: ["192.0.2.0/24"],
    rateLimit: number % 2 === 0 ? { calls: 7, period: 1_000 } : null,
    createdAt: 1_000 + number,
    createdBy: "key:root",
    expiresAt: number % 2 === 0 ? 5_000 : null,
    revokedAt: null,
  };
}

function entryOf(action: string, tenant = "acme"): AuditEntry {
  return {
    action,
    principal: "key:root",
    name: "root",
    address: "192.0.2.1",
    requestId: "r",
    tenant,
    requestedBy: "",
    execution: null,
    reason: "",
    outcome: "applied",
    message: "",
    cancellationId: "",
    count: 1,
  };
}

async function actions(tenant = "acme"): Promise<string[]> {
  const all = { execution: null, principal: "", from: null, to: null, refusedOnly: false };
  return (await store.audit.list(tenant, all, 0, 100)).events.map(({ action }) => action);
}

describe.each(DATABASES)("keys over $name", (database) => {
  beforeEach(async () => {
    test = await openStore(database);
    store = test.store;
  });
  afterEach(() => test.close());

  it("are read back as they were made, each with its entry in the audit log", async () => {
    const keys = [keyNumber(1), keyNumber(2), keyNumber(1, "globex")];

    for (const key of keys) await store.apiKeys.insert(key, entryOf(`Create ${key.id}`, key.tenant));

    const byId = (one: ApiKey, other: ApiKey) => (one.id < other.id ? -1 : 1);
    expect([...(await store.apiKeys.all())].sort(byId)).toEqual(keys.sort(byId));
    expect(await actions()).toEqual(["Create acme-1", "Create acme-2"]);
    expect(await actions("globex")).toEqual(["Create globex-1"]);
  });

  it("are not kept without their entry, nor the entry without them", async () => {
    const key = keyNumber(1);
    await store.apiKeys.insert(key, entryOf("Create"));

    await expect(
      store.apiKeys.insert({ ...keyNumber(2), digest: key.digest }, entryOf("Create twice")),
    ).rejects.toThrow();

    expect(await store.apiKeys.all()).toEqual([key]);
    expect(await actions()).toEqual(["Create"]);
  });

  it("are listed by tenant, newest first, page by page, each once", async () => {
    for (let number = 0; number < 5; number += 1) await store.apiKeys.insert(keyNumber(number), entryOf("Create"));
    await store.apiKeys.insert(keyNumber(9, "globex"), entryOf("Create", "globex"));

    const seen: string[] = [];
    let token = "";
    do {
      const page = await store.apiKeys.list("acme", { size: 2, token });
      seen.push(...page.items.map(({ id }) => id));
      token = page.nextPageToken;
    } while (token !== "");

    expect(seen).toEqual(["acme-4", "acme-3", "acme-2", "acme-1", "acme-0"]);
    const { nextPageToken } = await store.apiKeys.list("acme", { size: 2, token: "" });
    const elsewhere = store.apiKeys.list("globex", { size: 2, token: nextPageToken });
    await expect(elsewhere).rejects.toMatchObject({ refusal: { reason: "invalid_page_token" } });
  });

  it("are revoked once, and the log says so once", async () => {
    await store.apiKeys.insert(keyNumber(1), entryOf("Create"));

    const first = await store.apiKeys.revoke("acme", "acme-1", 2_000, entryOf("Revoke"));
    const second = await store.apiKeys.revoke("acme", "acme-1", 3_000, entryOf("Revoke"));

    expect(first).toEqual({ ...keyNumber(1), revokedAt: 2_000 });
    expect(second).toEqual(first);
    expect(await actions()).toEqual(["Create", "Revoke"]);
  });

  it("of another tenant can't be revoked", async () => {
    await store.apiKeys.insert(keyNumber(1), entryOf("Create"));

    expect(await store.apiKeys.revoke("globex", "acme-1", 2_000, entryOf("Revoke", "globex"))).toBeNull();

    expect(await store.apiKeys.all()).toEqual([keyNumber(1)]);
    expect(await actions("globex")).toEqual([]);
  });

  it("have one secret of the store behind their tokens, whoever asks first, and after a restart", async () => {
    const [first, second] = await Promise.all([store.apiKeys.secret(), store.apiKeys.secret()]);
    await test.reopen();

    expect(second).toBe(first);
    expect(await test.store.apiKeys.secret()).toBe(first);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
  });
});
