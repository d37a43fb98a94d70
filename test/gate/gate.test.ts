import type { DetailedPeerCertificate } from "node:tls";
import { describe, expect, it } from "vitest";
import { Refused } from "../../src/domain/refusal.ts";
import { type Arrival, createGate, type GateOptions } from "../../src/gate/gate.ts";
import { ANONYMOUS, type Caller, type Identity, type Recognition, type Recognizer } from "../../src/gate/identity.ts";
import type { RateLimits, RateStanding } from "../../src/gate/rate_limits.ts";
import type { Scope } from "../../src/gate/scope.ts";

const ADDRESS = "192.0.2.7";
const PEER = { address: ADDRESS, certificate: null };
const STANDING: RateStanding = { name: "key", limit: 5, period: 1_000, remaining: 4, reset: 900 };

function identityOf(principal: string, change: Partial<Identity> = {}): Identity {
  return { ...ANONYMOUS, principal, name: principal, tenant: "acme", isOperator: false, ...change };
}

const ADA = identityOf("key:ada");
const READER = identityOf("key:reader", { scopes: ["executions:read"] });
const STRANGER = identityOf("key:stranger", { tenant: "globex" });

const KNOWN: Readonly<Record<string, Recognition>> = {
  ada: { identity: ADA },
  reader: { identity: READER },
  stranger: { identity: STRANGER },
  revoked: { refused: "the key was revoked" },
};

/** A gate, and what it asked for on the way, in its order. */
function openGate(change: Partial<GateOptions> = {}) {
  const steps: string[] = [];
  const recognize: Recognizer = async (secret) => {
    steps.push(`recognize ${secret}`);
    return KNOWN[secret] ?? null;
  };
  const limits: RateLimits = {
    enter: async ({ principal }) => {
      steps.push(`enter ${principal}`);
      return STANDING;
    },
    failed: async (address) => {
      steps.push(`failed ${address}`);
    },
  };
  const gate = createGate({
    recognizers: [recognize],
    recognizeCertificate: null,
    isRequired: () => true,
    limits,
    ...change,
  });
  const enter = (secrets: readonly string[], scopes: readonly Scope[] = ["admin"], peer: Arrival["peer"] = PEER) =>
    gate.enter({ peer, secrets, scopes, onRecognized: ({ principal }) => steps.push(`recognized ${principal}`) });
  return { gate, enter, steps };
}

async function refusalOf(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof Refused) return error.refusal;
  throw new Error("the call was not refused", { cause: error });
}

describe("the gate", () => {
  it("lets in who is known and may, and tells where it stands with its limit", async () => {
    const { enter } = openGate();

    expect(await enter(["reader"], ["executions:read"])).toEqual({
      caller: { ...READER, address: ADDRESS },
      standing: STANDING,
    });
  });

  it("asks first who it is, then how often it calls, and then whether it may", async () => {
    const { enter, steps } = openGate();

    const refused = await refusalOf(enter(["reader"], ["cancel:process"]));

    expect(steps).toEqual(["recognize reader", "recognized key:reader", "enter key:reader"]);
    expect(refused).toMatchObject({
      reason: "permission_denied",
      message: "the caller lacks the scope cancel:process",
      metadata: { scope: "cancel:process" },
    });
  });

  it("counts a failure for the address, and counts no call for anybody", async () => {
    const { enter, steps } = openGate();

    const refused = await refusalOf(enter(["wrong"]));

    expect(steps).toEqual(["recognize wrong", `failed ${ADDRESS}`]);
    expect(refused).toMatchObject({ reason: "unauthenticated", message: "the credentials are not valid" });
  });

  it("names every scope that would do", async () => {
    const { enter } = openGate();

    const refused = await refusalOf(enter(["reader"], ["executions:write", "worker"]));

    expect(refused.message).toBe("the caller lacks the scope executions:write or worker");
  });

  it("lets nobody in where no scope is declared", async () => {
    const { enter } = openGate();

    expect(await refusalOf(enter(["ada"], []))).toMatchObject({ reason: "permission_denied" });
  });

  it("passes on that somebody is over a limit, before it looks at scopes", async () => {
    const over = new Refused({ reason: "rate_limited", message: "over", metadata: {} });
    const limits: RateLimits = { enter: () => Promise.reject(over), failed: () => Promise.reject(over) };
    const { enter } = openGate({ limits });

    expect(await refusalOf(enter(["reader"], ["admin"]))).toMatchObject({ reason: "rate_limited" });
    // An address that fails too often is not told what is wrong with the next one.
    expect(await refusalOf(enter(["wrong"]))).toMatchObject({ reason: "rate_limited" });
  });
});

describe("the recognizers", () => {
  it("are asked in their order, until one knows the secret or why it does not count", async () => {
    const asked: string[] = [];
    const recognizer =
      (name: string, answer: Recognition | null): Recognizer =>
      async () => {
        asked.push(name);
        return answer;
      };
    const { enter } = openGate({
      recognizers: [
        recognizer("none", null),
        recognizer("judge", KNOWN["revoked"]!),
        recognizer("last", { identity: ADA }),
      ],
    });

    expect(await refusalOf(enter(["any"]))).toMatchObject({ message: "the key was revoked" });
    expect(asked).toEqual(["none", "judge"]);
  });

  it("that fail are a fault, not a refusal", async () => {
    const { enter, steps } = openGate({ recognizers: [() => Promise.reject(new Error("out of order"))] });

    await expect(enter(["ada"])).rejects.toThrow("out of order");
    expect(steps).toEqual([]);
  });
});

describe("two secrets", () => {
  it("are both looked at, and the first one's is the caller", async () => {
    const { enter } = openGate();

    const { caller } = await enter(["ada", "reader"], ["executions:read"]);

    expect(caller.principal).toBe("key:ada");
  });

  it.each([
    { secrets: ["ada", "wrong"], reason: "unauthenticated", message: "the credentials are not valid" },
    { secrets: ["ada", "revoked"], reason: "unauthenticated", message: "the key was revoked" },
    { secrets: ["wrong", "ada"], reason: "unauthenticated", message: "the credentials are not valid" },
    { secrets: ["ada", "stranger"], reason: "unauthenticated", message: "the credentials belong to different tenants" },
    { secrets: ["ada", "reader"], reason: "permission_denied", message: "the caller lacks the scope worker" },
    { secrets: ["reader", "ada"], reason: "permission_denied", message: "the caller lacks the scope worker" },
  ])("are refused where one does not do: $secrets", async ({ secrets, reason, message }) => {
    const { enter } = openGate();

    expect(await refusalOf(enter(secrets, ["worker"]))).toMatchObject({ reason, message });
  });
});

describe("a client certificate", () => {
  /** The gate does not look into it. */
  const certificate: DetailedPeerCertificate = Object.create(null);
  const peer = { address: ADDRESS, certificate };

  it.each([
    { what: "counts where no secret is shown", secrets: [], caller: "cert:ops" },
    { what: "does not where one is", secrets: ["ada"], caller: "key:ada" },
  ])("$what", async ({ secrets, caller: expected }) => {
    const identity = identityOf("cert:ops");
    const { enter } = openGate({ recognizeCertificate: () => ({ identity }) });

    const { caller } = await enter(secrets, ["admin"], peer);

    expect(caller.principal).toBe(expected);
  });

  it("that stands for nobody is refused in its own words, and counted", async () => {
    const refused = { refused: "the certificate stands for nobody" };
    const { enter, steps } = openGate({ recognizeCertificate: () => refused });

    const refusal = await refusalOf(enter([], ["admin"], peer));

    expect(refusal.message).toBe("the certificate stands for nobody");
    expect(steps).toEqual([`failed ${ADDRESS}`]);
  });

  it("says nothing where certificates stand for nobody", async () => {
    const { enter } = openGate();

    const refusal = await refusalOf(enter([], ["admin"], peer));

    expect(refusal).toMatchObject({ reason: "unauthenticated", message: expect.stringContaining("no credentials") });
  });
});

describe("without any credentials configured", () => {
  it("everybody is the same caller, whatever is shown, until there are some", async () => {
    let isRequired = false;
    const { enter } = openGate({ isRequired: () => isRequired });
    const anonymous: Caller = { ...ANONYMOUS, address: ADDRESS };

    expect((await enter(["wrong"])).caller).toEqual(anonymous);
    expect((await enter([])).caller).toEqual(anonymous);
    isRequired = true;

    expect(await refusalOf(enter([]))).toMatchObject({ reason: "unauthenticated" });
    expect((await enter(["ada"])).caller.principal).toBe("key:ada");
  });
});

describe("a secret that is exchanged", () => {
  it("is known without any scope being asked for, and counted if it is not", async () => {
    const { gate, steps } = openGate();

    expect(await gate.identify("reader", PEER)).toEqual(READER);
    expect(await refusalOf(gate.identify("revoked", PEER))).toMatchObject({ message: "the key was revoked" });
    expect(steps).toEqual(["recognize reader", "recognize revoked", `failed ${ADDRESS}`]);
  });
});
