/** An OpenID Connect issuer on loopback: it publishes keys and signs tokens. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { onTestFinished } from "vitest";

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function createSigningKey(kid: string, alg = "ES256"): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** In seconds. */
export function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

export interface TestIssuer {
  /** For example "http://127.0.0.1:40123". Stays the same. */
  readonly url: string;
  /** What it publishes. */
  keys: readonly SigningKey[];
  /** The paths that were asked for, in this order. */
  readonly asked: readonly string[];
  /** Answers in place of the issuer, until it is null again. */
  answer: ((path: string, response: ServerResponse) => void) | null;
  /** A token for the audience "belay", signed with the first key; undefined removes a claim. */
  sign(claims?: Readonly<Record<string, unknown>>, by?: SigningKey): Promise<string>;
  /** Takes no more connections. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Stopped when the test is over. */
export async function startIssuer(): Promise<TestIssuer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    if (issuer.answer !== null) issuer.answer(path, response);
    else if (path === "/.well-known/openid-configuration")
      sendJson(response, { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` });
    else if (path === "/jwks") sendJson(response, { keys: issuer.keys.map(({ jwk }) => jwk) });
    else response.writeHead(404).end();
  });
  const listen = async (port: number): Promise<number> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const issuer: TestIssuer = {
    url: `http://127.0.0.1:${port}`,
    keys: [await createSigningKey("first")],
    asked,
    answer: null,
    async sign(claims = {}, by = issuer.keys[0]!) {
      const standard = {
        iss: issuer.url,
        aud: "belay",
        sub: "alice",
        exp: nowInSeconds() + 300,
        scope: "executions:read",
      };
      const header = { alg: by.jwk.alg!, kid: by.kid };
      return new SignJWT(JSON.parse(JSON.stringify({ ...standard, ...claims })))
        .setProtectedHeader(header)
        .sign(by.privateKey);
    },
    async stop() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
    async start() {
      await listen(port);
    },
  };
  onTestFinished(() => issuer.stop());
  return issuer;
}

export function sendJson(response: ServerResponse, body: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
}
