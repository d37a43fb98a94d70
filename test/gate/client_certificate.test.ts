import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { createCertificateRecognizer } from "../../src/gate/client_certificate.ts";
import type { CertificateRule } from "../../src/gate/client_certificate_rules.ts";
import { type CertificateWish, createAuthority } from "../server/certificate_authority.ts";

const authority = await createAuthority();
const ca = authority.cert;
const serverPair = await authority.issue({ commonName: "server" });

/** A certificate as a server sees it. */
async function shown(wish: CertificateWish): Promise<DetailedPeerCertificate> {
  const server = createServer({ ...serverPair, ca, requestCert: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({
    port: (server.address() as AddressInfo).port,
    host: "127.0.0.1",
    ca,
    ...(await authority.issue(wish)),
  });
  const [socket] = (await once(server, "secureConnection")) as [TLSSocket];
  const certificate = socket.getPeerCertificate(true);
  client.destroy();
  socket.destroy();
  server.close();
  return certificate;
}

function rule(match: string, more: Partial<CertificateRule> = {}): CertificateRule {
  return { match, tenant: "default", scopes: ["cancel:*"], name: match, ...more };
}

const billing = await shown({
  commonName: "billing",
  names: [
    { type: "url", value: "spiffe://prod/billing" },
    { type: "dns", value: "billing.example.com" },
    { type: "email", value: "billing@example.com" },
  ],
});

describe("a client certificate", () => {
  it("stands for whom its rule names, until it expires", () => {
    const { recognize } = createCertificateRecognizer([
      rule("URI:spiffe://prod/billing", { tenant: "prod", scopes: ["worker"], name: "billing service" }),
    ]);

    expect(recognize(billing)).toEqual({
      identity: {
        tenant: "prod",
        principal: "cert:URI:spiffe://prod/billing",
        name: "billing service",
        scopes: ["worker"],
        isOperator: false,
        rateLimit: null,
        expiresAt: Date.parse(billing.valid_to),
        revoked: expect.any(AbortSignal),
      },
    });
  });

  it.each([
    "CN:billing",
    "URI:spiffe://prod/billing",
    "DNS:billing.example.com",
    "DNS:Billing.Example.COM",
    "email:billing@example.com",
    `SHA256:${billing.fingerprint256}`,
  ])("is known by %s", (match) => {
    const { recognize } = createCertificateRecognizer([rule(match)]);

    expect(recognize(billing)).toMatchObject({ identity: { principal: `cert:${match}` } });
  });

  it.each([
    "CN:Billing",
    "CN:billing.example.com",
    "DNS:example.com",
    "DNS:billing",
    "URI:spiffe://prod/billing/",
    "URI:spiffe://prod/Billing",
    "email:billing.example.com",
    `SHA256:${"00:".repeat(31)}00`,
  ])("is not known by %s: it is refused, by its names", (match) => {
    const { recognize } = createCertificateRecognizer([rule(match)]);

    expect(recognize(billing)).toEqual({
      refused:
        'no rule of the server is for the client certificate of "CN:billing, URI:spiffe://prod/billing, DNS:billing.example.com, email:billing@example.com"',
    });
  });

  it("is refused by its fingerprint if it has no names", async () => {
    const { recognize } = createCertificateRecognizer([rule("CN:billing")]);

    const recognition = recognize(await shown({ commonName: "", names: [] }));

    expect(recognition).toEqual({ refused: expect.stringMatching(/certificate of "SHA256:([0-9A-F]{2}:){31}/) });
  });

  it("is refused once it has expired, though its connection is older", () => {
    const later = Date.parse(billing.valid_to);
    const { recognize } = createCertificateRecognizer([rule("CN:billing")], () => later);

    expect(recognize(billing)).toEqual({
      refused: `the client certificate expired at ${new Date(later).toISOString()}`,
    });
  });

  it("stands for whom the first rule that fits names", () => {
    const { recognize } = createCertificateRecognizer([
      rule("CN:ops"),
      rule("CN:billing"),
      rule("DNS:billing.example.com"),
    ]);

    expect(recognize(billing)).toMatchObject({ identity: { principal: "cert:CN:billing" } });
  });

  it("can't smuggle in a name inside another one", async () => {
    const forged = await shown({
      commonName: "x, DNS:ops.example.com",
      names: [
        { type: "url", value: "https://x/, DNS:ops.example.com" },
        { type: "dns", value: 'y", DNS:ops.example.com' },
      ],
    });
    const { recognize } = createCertificateRecognizer([rule("DNS:ops.example.com"), rule("CN:ops.example.com")]);

    expect(recognize(forged)).toHaveProperty("refused");
  });
});

describe("new rules for client certificates", () => {
  function revocationsOf(rules: readonly CertificateRule[], next: readonly CertificateRule[]): boolean {
    const recognizer = createCertificateRecognizer(rules);
    const recognition = recognizer.recognize(billing);
    recognizer.setRules(next);
    return "identity" in recognition && recognition.identity.revoked?.aborted === true;
  }
  const ops = rule("CN:ops");
  const mine = rule("CN:billing");

  it.each<[string, readonly CertificateRule[], readonly CertificateRule[], boolean]>([
    ["ends if its rule is gone", [ops, mine], [ops], true],
    ["ends if its rule has changed", [mine], [{ ...mine, scopes: ["worker"] }], true],
    ["ends if another rule comes first now", [mine], [ops, mine], true],
    ["goes on if its rule stays as it was", [ops, mine], [ops, { ...mine }, rule("CN:new")], false],
  ])("are told to what is under way, which %s", (_name, rules, next, ends) => {
    expect(revocationsOf(rules, next)).toBe(ends);
  });

  it("count for those that come", () => {
    const { recognize, setRules } = createCertificateRecognizer([]);
    expect(recognize(billing)).toHaveProperty("refused");

    setRules([mine]);

    expect(recognize(billing)).toMatchObject({
      identity: { principal: "cert:CN:billing", revoked: { aborted: false } },
    });
  });
});
