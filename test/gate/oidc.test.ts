import { exportSPKI, importJWK, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { createSigningKey, nowInSeconds, type SigningKey, startIssuer, type TestIssuer } from "./oidc_issuer.ts";
import { MINUTE, recognizerOf, refusalOf } from "./oidc_under_test.ts";

describe("a token of the issuer", () => {
  it("stands for its subject until it expires, with the clock skew", async () => {
    const issuer = await startIssuer();
    const { recognize } = recognizerOf(issuer);
    const exp = nowInSeconds() + 300;

    const recognition = await recognize(await issuer.sign({ exp, scope: "openid cancel:process executions:read" }));

    expect(recognition).toEqual({
      identity: {
        tenant: "default",
        principal: `oidc:${issuer.url}#alice`,
        name: "alice",
        scopes: ["cancel:process", "executions:read"],
        isOperator: false,
        rateLimit: null,
        expiresAt: exp * 1000 + MINUTE,
        revoked: null,
      },
    });
  });

  it.each([
    [{ preferred_username: "Alice", email: "alice@example.com" }, "Alice"],
    [{ email: "alice@example.com", azp: "console" }, "alice@example.com"],
    [{ client_id: "nightly-job" }, "nightly-job"],
    [{ azp: "console" }, "console"],
    [{ preferred_username: 7 }, "alice"],
  ])("has the name that people know: %j", async (claims, name) => {
    const issuer = await startIssuer();
    const { recognize } = recognizerOf(issuer);

    expect(await recognize(await issuer.sign(claims))).toMatchObject({ identity: { name } });
  });

  it.each([
    ["scope", { scope: "worker  admin root" }, ["worker", "admin"]],
    ["scope", { scope: undefined }, []],
    [
      "scp",
      { scp: ["worker", "executions:read executions:write", 7] },
      ["worker", "executions:read", "executions:write"],
    ],
    ["realm_access.roles", { realm_access: { roles: ["cancel:*", "offline_access"] } }, ["cancel:*"]],
    ["resource_access.my.client.roles", { resource_access: { "my.client": { roles: ["worker"] } } }, ["worker"]],
    ["https://belay.example/scopes", { "https://belay.example/scopes": "worker" }, ["worker"]],
    ["realm_access.roles", { realm_access: "admin" }, []],
    ["__proto__.roles", {}, []],
  ])("has the scopes that Belay knows, from %s", async (scopesClaim, claims, scopes) => {
    const issuer = await startIssuer();
    const { recognize } = recognizerOf(issuer, { scopesClaim });

    expect(await recognize(await issuer.sign(claims))).toMatchObject({ identity: { scopes } });
  });

  it("is of the tenant that its claim names", async () => {
    const issuer = await startIssuer();
    const { recognize } = recognizerOf(issuer, { tenantClaim: "org.tenant" });

    expect(await recognize(await issuer.sign({ org: { tenant: "acme" } }))).toMatchObject({
      identity: { tenant: "acme" },
    });
    expect(await refusalOf(recognize(await issuer.sign()))).toBe(
      'the token has no claim "org.tenant", which names the tenant',
    );
    expect(await refusalOf(recognize(await issuer.sign({ org: { tenant: "A/B" } })))).toContain(
      "must be the name of a tenant",
    );
  });

  it("may be for one of several audiences", async () => {
    const issuer = await startIssuer();
    const { recognize } = recognizerOf(issuer, { audiences: ["belay-eu", "belay"] });

    expect(await recognize(await issuer.sign({ aud: ["console", "belay"] }))).toHaveProperty("identity");
  });

  it.each(["RS256", "PS256", "ES384", "EdDSA"])("may be signed with %s", async (alg) => {
    const issuer = await startIssuer();
    issuer.keys = [await createSigningKey("a key", alg)];
    const { recognize } = recognizerOf(issuer);

    expect(await recognize(await issuer.sign())).toHaveProperty("identity");
  });
});

describe("a token that does not count", () => {
  it.each<[string, (token: TestIssuer, now: number) => Promise<string>, string | RegExp]>([
    ["has expired", (issuer, now) => issuer.sign({ exp: now - 61 }), /^the token expired at 20\S+Z: fetch a new one$/],
    ["is not valid yet", (issuer, now) => issuer.sign({ nbf: now + 90 }), /^the token is not valid before 20\S+Z$/],
    [
      "is for another audience",
      (issuer) => issuer.sign({ aud: "shop" }),
      'the token is for the audience "shop", not for "belay"',
    ],
    ["is for nobody", (issuer) => issuer.sign({ aud: undefined }), 'the token has no claim "aud"'],
    ["never expires", (issuer) => issuer.sign({ exp: undefined }), 'the token has no claim "exp"'],
    ["has no subject", (issuer) => issuer.sign({ sub: undefined }), 'the token has no claim "sub"'],
    ["has an empty subject", (issuer) => issuer.sign({ sub: "" }), 'the token\'s claim "sub" must be a text'],
    [
      "was signed with another key of this name",
      async (issuer) => issuer.sign({}, await createSigningKey("first")),
      "the token's signature is wrong",
    ],
    [
      "was changed after it was signed",
      async (issuer) => {
        const [header, , signature] = (await issuer.sign()).split(".");
        const [, payload] = (await issuer.sign({ scope: "admin" })).split(".");
        return [header, payload, signature].join(".");
      },
      "the token's signature is wrong",
    ],
    [
      "is not signed",
      async ({ url }) => new UnsecuredJWT({ iss: url, aud: "belay", sub: "alice", exp: nowInSeconds() + 60 }).encode(),
      'the token\'s algorithm is "none": it must be signed with a public-key algorithm such as RS256 or ES256',
    ],
    [
      "is signed with the public key as if that were a secret",
      async ({ url, keys: [key] }) => forgedWithPublicKey(url, key!),
      'the token\'s algorithm is "HS256": it must be signed with a public-key algorithm such as RS256 or ES256',
    ],
    [
      "is signed with a key that is not published",
      async (issuer) => issuer.sign({}, await createSigningKey("of somebody else")),
      /^the token is signed with the key "of somebody else" for "ES256", which http:\S+ does not publish$/,
    ],
  ])("is refused in words that name what is wrong: it %s", async (_name, tokenOf, words) => {
    const issuer = await startIssuer();
    const { recognize } = recognizerOf(issuer);

    const refused = await refusalOf(recognize(await tokenOf(issuer, nowInSeconds())));

    if (typeof words === "string") expect(refused).toBe(words);
    else expect(refused).toMatch(words);
  });

  it("is refused if it could be signed with any of several keys", async () => {
    const issuer = await startIssuer();
    issuer.keys = [await createSigningKey("one"), await createSigningKey("two")];
    const { recognize } = recognizerOf(issuer);
    const [key] = issuer.keys;
    const nameless = await new SignJWT({ iss: issuer.url, aud: "belay", sub: "alice", exp: nowInSeconds() + 60 })
      .setProtectedHeader({ alg: "ES256" })
      .sign(key!.privateKey);

    expect(await refusalOf(recognize(nameless))).toContain('its header needs a "kid"');
  });

  it("is let in within the clock skew, and no longer", async () => {
    const issuer = await startIssuer();
    const { recognize, pass } = recognizerOf(issuer);
    const early = await issuer.sign({ nbf: nowInSeconds() + 50 });
    const late = await issuer.sign({ exp: nowInSeconds() - 50 });

    expect(await recognize(early)).toHaveProperty("identity");
    expect(await recognize(late)).toHaveProperty("identity");
    pass(11_000);
    expect(await refusalOf(recognize(late))).toContain("the token expired at");
  });
});

async function forgedWithPublicKey(iss: string, { jwk, kid }: SigningKey): Promise<string> {
  const publicKey = await importJWK(jwk, "ES256", { extractable: true });
  if (publicKey instanceof Uint8Array) throw new Error("no public key");
  return new SignJWT({ iss, aud: "belay", sub: "alice", exp: nowInSeconds() + 60 })
    .setProtectedHeader({ alg: "HS256", kid })
    .sign(new TextEncoder().encode(await exportSPKI(publicKey)));
}

describe("what is no token of the issuer", () => {
  it("is left to others, without a word to the issuer", async () => {
    const issuer = await startIssuer();
    const { recognize } = recognizerOf(issuer);
    await recognize(await issuer.sign());
    const before = issuer.asked.length;

    for (const secret of [
      "",
      "belay_0123456789abcdef",
      "a.b.c",
      "..",
      "e30.e30.",
      await issuer.sign({ iss: "https://other.example" }),
    ]) {
      expect(await recognize(secret)).toBeNull();
    }

    expect(issuer.asked.length).toBe(before);
  });
});
