/** The token endpoint: exchanges a key for a short-lived token, as OAuth 2.0's client credentials do (RFC 6749, section 4.4). */
import type { JsonObject } from "@bufbuild/protobuf";
import { Refused } from "../../domain/refusal.ts";
import type { Identity } from "../../gate/identity.ts";
import type { Peer } from "../../gate/peer.ts";
import { basicOf } from "../../rpc/credentials.ts";
import type { RestAnswer, RestContext, RestRequest, RestResponse, Route } from "../dialect.ts";
import type { Problem } from "../problem.ts";
import { objectOf } from "./json_fields.ts";

const PATHS = ["/oauth/token", "/oauth2/token"];

export const tokenRoutes: readonly Route[] = PATHS.map((path) => ({
  method: "POST",
  path,
  body: "form",
  success: 200,
  rank: "critical",
  scopes: null,
  handle: answerToken,
}));

/** Tokens must not linger in caches. */
const HEADERS = { "cache-control": "no-store", pragma: "no-cache" };

async function answerToken({ body, headers, peer }: RestRequest, context: RestContext): Promise<RestAnswer> {
  const form = objectOf(body, "body");
  const { grant_type: grantType } = form;
  if (grantType === undefined) return failed(400, "invalid_request", "grant_type is missing");
  if (grantType !== "client_credentials") {
    return failed(400, "unsupported_grant_type", "grant_type must be client_credentials");
  }
  const identity = await identify(secretOf(form, headers), peer, context);
  if ("refused" in identity) return failed(401, "invalid_client", identity.refused);
  const { token, expiresIn } = await context.tokens.issue(identity);
  return { headers: HEADERS, body: { access_token: token, token_type: "Bearer", expires_in: expiresIn } };
}

/** The client's secret is a key: in the form, or as the password of Basic credentials. The client's id says nothing. */
function secretOf({ client_secret: secret }: JsonObject, headers: Headers): string {
  return typeof secret === "string" ? secret : (basicOf(headers)[0] ?? "");
}

async function identify(
  secret: string,
  peer: Peer,
  { gate }: RestContext,
): Promise<Identity | { readonly refused: string }> {
  try {
    return await gate.identify(secret, peer);
  } catch (error) {
    if (error instanceof Refused && error.refusal.reason === "unauthenticated") return { refused: error.message };
    throw error;
  }
}

export function isTokenPath(path: string): boolean {
  return PATHS.includes(path);
}

/** A request that never reached the endpoint, in its shape. */
export function tokenProblem({ status, message, headers }: Problem): RestResponse {
  const answer = failed(status ?? 400, "invalid_request", message);
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

function failed(status: number, error: string, description: string): RestResponse {
  const challenge = status === 401 ? { "www-authenticate": 'Basic realm="belay"' } : {};
  return { status, headers: { ...HEADERS, ...challenge }, body: { error, error_description: description } };
}
