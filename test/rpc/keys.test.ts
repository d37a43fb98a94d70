import { describe, expect, it } from "vitest";
import { keysOf } from "../../src/rpc/keys.ts";

const KEYS = keysOf([
  { key: "the-first-key-1234", name: "ops", permissions: null },
  { key: "the-second-key-123", name: "ops", permissions: ["workflows_read"] },
]);

describe("keys", () => {
  it("are told apart, and nothing else is one", async () => {
    expect(await KEYS.holderOf("the-second-key-123")).toMatchObject({ name: "ops", permissions: ["workflows_read"] });
    expect(await KEYS.holderOf("the-second-key-12")).toBeNull();
    expect(await KEYS.holderOf("")).toBeNull();
  });

  it("are exchanged for tokens that permit what their own key permits, whatever its name", async () => {
    const holder = await KEYS.holderOf("the-second-key-123");

    const { token } = await KEYS.issueToken(holder!);

    expect(await KEYS.holderOf(token)).toEqual(holder);
  });

  it("keep their tokens over a restart, and end them when the keys change", async () => {
    const grant = { key: "the-first-key-1234", name: "ops", permissions: null };
    const before = keysOf([grant]);
    const { token } = await before.issueToken((await before.holderOf(grant.key))!);

    expect(await keysOf([grant]).holderOf(token)).toMatchObject({ name: "ops" });
    expect(await keysOf([{ ...grant, key: "another-key-123456" }]).holderOf(token)).toBeNull();
    expect(await before.holderOf(`${token}x`)).toBeNull();
  });
});
