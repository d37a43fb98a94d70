/** The token endpoint: exchanges a key for a short-lived token, as OAuth 2.0's client credentials do (RFC 6749, section 4.4). */
import type { JsonObject } from "@bufbuild/protobuf";
import { basicOf } from "../../rpc/credentials.ts";
import type { KeyHolder, Keys } from "../../rpc/keys.ts";
import type { RestAnswer, RestContext, RestRequest, RestResponse, Route } from "../dialect.ts";
import type { Problem } from "../problem.ts";
import { objectOf } from "./json_fields.ts";

const PATHS = ["/oauth/token", "/oauth2/token"];

export const tokenRoutes: readonly Route[] = PATHS.map((path) => ({
  method: "POST",
  path,
  body: "form",
  success: 200,
  isOpen: true,
  handle: answerToken,
}));

/** Tokens must not linger in caches. */
const HEADERS = { "cache-control": "no-store", pragma: "no-cache" };

async function answerToken({ body, headers }: RestRequest, { keys }: RestContext): Promise<RestAnswer> {
  const form = objectOf(body, "body");
  const { grant_type: grantType } = form;
  if (grantType === undefined) return failed(400, "invalid_request", "grant_type is missing");
  if (grantType !== "client_credentials") {
    return failed(400, "unsupported_grant_type", "grant_type must be client_credentials");
  }
  const holder = await holderOf(secretOf(form, headers), keys);
  if (holder === null) return failed(401, "invalid_client", "client_secret is not a known key");
  const { token, expiresIn } = await keys.issueToken(holder);
  return { headers: HEADERS, body: { access_token: token, token_type: "Bearer", expires_in: expiresIn } };
}

/** The client's secret is a key: in the form, or as the password of Basic credentials. The client's id says nothing. */
function secretOf({ client_secret: secret }: JsonObject, headers: Headers): string {
  return typeof secret === "string" ? secret : (basicOf(headers)[0] ?? "");
}

/** Where no keys are configured, every secret is as good as none. */
async function holderOf(secret: string, keys: Keys): Promise<KeyHolder | null> {
  return keys.isRequired ? keys.holderOf(secret) : { id: "anonymous", name: "anonymous", permissions: null };
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
