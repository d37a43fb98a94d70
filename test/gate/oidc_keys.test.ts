import { describe, expect, it } from "vitest";
import { LEVEL } from "../server/log_under_test.ts";
import { createSigningKey, nowInSeconds, sendJson, startIssuer, type TestIssuer } from "./oidc_issuer.ts";
import { MINUTE, recognizerOf, refusalOf, unavailabilityOf } from "./oidc_under_test.ts";

describe("the issuer's keys", () => {
  it("are found by discovery, once for all callers", async () => {
    const issuer = await startIssuer();
    const { recognize } = recognizerOf(issuer);
    const tokens = await Promise.all(["a", "b", "c"].map((sub) => issuer.sign({ sub })));

    const recognitions = await Promise.all(tokens.map(recognize));

    expect(recognitions.every((recognition) => recognition !== null && "identity" in recognition)).toBe(true);
    expect(issuer.asked).toEqual(["/.well-known/openid-configuration", "/jwks"]);
  });

  it("are fetched where the configuration says", async () => {
    const issuer = await startIssuer();
    const { recognize } = recognizerOf(issuer, { jwksUrl: `${issuer.url}/jwks` });

    expect(await recognize(await issuer.sign())).toHaveProperty("identity");
    expect(issuer.asked).toEqual(["/jwks"]);
  });

  it("are fetched again when a token names a new one", async () => {
    const issuer = await startIssuer();
    const { recognize, pass } = recognizerOf(issuer);
    await recognize(await issuer.sign());
    const next = await createSigningKey("next");
    issuer.keys = [...issuer.keys, next];
    pass(MINUTE);

    expect(await recognize(await issuer.sign({ sub: "bob" }, next))).toHaveProperty("identity");
  });

  it("count no more when the issuer has withdrawn them, also for tokens that are known", async () => {
    const issuer = await startIssuer();
    const { recognize, pass } = recognizerOf(issuer);
    const exp = nowInSeconds() + 3600;
    const token = await issuer.sign({ exp });
    expect(await recognize(token)).toHaveProperty("identity");
    const withdrawn = issuer.keys;
    issuer.keys = [await createSigningKey("next")];
    pass(11 * MINUTE);

    expect(await refusalOf(recognize(token))).toContain("does not publish");
    expect(await refusalOf(recognize(await issuer.sign({ sub: "bob", exp }, withdrawn[0])))).toContain(
      "does not publish",
    );
  });

  it("are fetched again in the background before they are too old", async () => {
    const issuer = await startIssuer();
    const { recognize, pass, logged } = recognizerOf(issuer);
    const token = await issuer.sign({ exp: nowInSeconds() + 3600 });
    await recognize(token);
    issuer.keys = [await createSigningKey("next")];
    pass(6 * MINUTE);

    expect(await recognize(token)).toHaveProperty("identity");

    await logged(({ msg }) => msg === "the issuer has changed its keys");
    expect(await refusalOf(recognize(token))).toContain("does not publish");
  });

  it("are not fetched again and again for keys that are made up", async () => {
    const issuer = await startIssuer();
    const { recognize, pass } = recognizerOf(issuer);
    await recognize(await issuer.sign());
    const forger = await createSigningKey("x");
    pass(MINUTE);
    const before = issuer.asked.length;

    const tokens = Array.from({ length: 200 }, (_, index) => issuer.sign({}, { ...forger, kid: `made-up-${index}` }));
    const refusals = await Promise.all(tokens.map(async (token) => refusalOf(recognize(await token))));

    expect(refusals.every((refused) => refused?.includes("does not publish"))).toBe(true);
    expect(issuer.asked.slice(before)).toEqual(["/.well-known/openid-configuration", "/jwks"]);
  });
});

describe("an issuer that is away", () => {
  it("is no reason to call credentials bad: the answer says so, and the log once", async () => {
    const issuer = await startIssuer();
    await issuer.stop();
    const { recognize, lines } = recognizerOf(issuer);

    const { refusal } = await unavailabilityOf(recognize(await issuer.sign()));
    await unavailabilityOf(recognize(await issuer.sign()));

    expect(refusal.message).toBe(
      `the identity provider ${issuer.url} can't be asked for its keys, so its tokens can't be checked: try again, or use a key`,
    );
    const errors = lines.filter(({ level }) => level === LEVEL.error);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.err?.message).toBe(
      `${issuer.url}/.well-known/openid-configuration can't be reached: fetch failed: connect ECONNREFUSED ${new URL(issuer.url).host}`,
    );
  });

  it("is asked again when it may be back, and its tokens count", async () => {
    const issuer = await startIssuer();
    await issuer.stop();
    const { recognize, pass, logged } = recognizerOf(issuer);
    const token = await issuer.sign();
    await unavailabilityOf(recognize(token));
    await issuer.start();

    pass(5_000);

    expect(await recognize(token)).toHaveProperty("identity");
    await logged(({ msg }) => msg === "the issuer's keys are here");
  });

  it("is not asked by everybody while it is away", async () => {
    const issuer = await startIssuer();
    issuer.answer = (_path, response) => response.writeHead(503).end();
    const { recognize } = recognizerOf(issuer);

    for (let round = 0; round < 20; round += 1)
      await unavailabilityOf(recognize(await issuer.sign({ sub: `${round}` })));

    expect(issuer.asked).toHaveLength(1);
  });

  it("does not keep callers from those whose tokens can be checked with the keys from before", async () => {
    const issuer = await startIssuer();
    const { recognize, pass } = recognizerOf(issuer);
    await recognize(await issuer.sign());
    await issuer.stop();
    const exp = nowInSeconds() + 100_000;

    pass(60 * MINUTE);
    expect(await recognize(await issuer.sign({ sub: "bob", exp }))).toHaveProperty("identity");

    pass(24 * 60 * MINUTE);
    await unavailabilityOf(recognize(await issuer.sign({ sub: "carol", exp })));
  });

  it("keeps only those waiting who show its tokens", async () => {
    const issuer = await startIssuer();
    const silent = Promise.withResolvers<void>();
    issuer.answer = () => silent.resolve();
    const { recognize } = recognizerOf(issuer);
    const waiting = recognize(await issuer.sign());
    await silent.promise;

    expect(await recognize("belay_0123456789abcdef")).toBeNull();

    await issuer.stop();
    await unavailabilityOf(waiting);
  });

  it.each<[string, TestIssuer["answer"], RegExp]>([
    ["fails", (_path, response) => response.writeHead(500).end(), /openid-configuration answered 500$/],
    [
      "sends no JSON",
      (_path, response) => response.end("<html>"),
      /openid-configuration answered with what is no JSON: /,
    ],
    ["sends something else", (_path, response) => sendJson(response, []), /is of the issuer undefined, not of "http/],
    [
      "is another one",
      (_path, response) =>
        sendJson(response, { issuer: "https://other.example", jwks_uri: "https://other.example/jwks" }),
      /is of the issuer "https:\/\/other\.example", not of "http:\/\/127\S+": both must be the same$/,
    ],
    ["redirects", (_path, response) => response.writeHead(302, { location: "/jwks" }).end(), /can't be reached: /],
  ])("is told from one that works, in the log, if it %s", async (_name, answer, complaint) => {
    const issuer = await startIssuer();
    issuer.answer = answer;
    const { recognize, logged } = recognizerOf(issuer);

    await unavailabilityOf(recognize(await issuer.sign()));

    const { err } = await logged(({ level }) => level === LEVEL.error);
    expect(err?.message).toMatch(complaint);
  });

  it("has no keys that can be used if what it publishes is no key set", async () => {
    const issuer = await startIssuer();
    issuer.answer = (_path, response) => sendJson(response, { keys: "none" });
    const { recognize, logged } = recognizerOf(issuer, { jwksUrl: `${issuer.url}/jwks` });

    await unavailabilityOf(recognize(await issuer.sign()));

    const { err } = await logged(({ level }) => level === LEVEL.error);
    expect(err?.message).toMatch(/\/jwks is no JSON Web Key Set$/);
  });
});
