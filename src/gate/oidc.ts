/** Recognizes the tokens of an OpenID Connect issuer: JWTs that it signed for Belay. */
import { hash } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import { Refused, refusal } from "../domain/refusal.ts";
import type { Millis } from "../domain/time.ts";
import type { Identity, Recognizer } from "./identity.ts";
import { nameIn, scopesIn, tenantIn } from "./oidc_claims.ts";
import { createIssuerKeys, IssuerUnavailable } from "./oidc_keys.ts";

export interface OidcConfig {
  /** As in the claim "iss", for example "https://login.example.com/realms/ops". */
  readonly issuer: string;
  /** The token must be for one of these: its claim "aud". Never empty. */
  readonly audiences: readonly string[];
  /** Where the issuer publishes its keys; null: where its discovery document says. */
  readonly jwksUrl: string | null;
  /** The claim with the scopes: a name, or a path such as "realm_access.roles". */
  readonly scopesClaim: string;
  /** The claim with the tenant, likewise; null: all tokens are of the tenant "default". */
  readonly tenantClaim: string | null;
  /** By how much the clocks of the issuer and of this machine may differ. */
  readonly clockSkew: Millis;
}

export interface OidcOptions {
  readonly logger: Logger;
  readonly now?: () => Millis;
}

/** Those with a public key: with a secret one, who can check a token could make one. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

// A few kilobytes each.
const MAX_REMEMBERED = 10_000;

const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/**
 * A recognizer of the issuer's tokens. It rejects with `identity_provider_unavailable` while the issuer's keys can't be had. A token's
 * signature is checked when it is first shown, and again when the issuer publishes other keys; in between it is known by its digest.
 */
export function createOidcRecognizer(config: OidcConfig, { logger, now = Date.now }: OidcOptions): Recognizer {
  const { issuer, jwksUrl } = config;
  const keys = createIssuerKeys({ issuer, jwksUrl, logger, now });
  const known = new LRUCache<string, Known>({ max: MAX_REMEMBERED });

  return async (token) => {
    if (!JWT.test(token)) return null;
    const digest = hash("sha256", token, "base64url");
    const before = known.get(digest);
    if (before !== undefined && before.expiresAt > now()) {
      const isUsable = await keys.keepFresh();
      if (isUsable && before.version === keys.version) return { identity: before.identity };
    }
    if (!isOf(issuer, token)) return null;

    // Keys that change while the signature is checked make the check one by the keys from before.
    const { version } = keys;
    try {
      const { payload } = await jwtVerify(token, keys.keyFor, {
        issuer,
        audience: [...config.audiences],
        algorithms: ALGORITHMS,
        clockTolerance: config.clockSkew / 1000,
        currentDate: new Date(now()),
        requiredClaims: ["exp", "sub"],
      });
      const checked = recognitionOf(payload, config);
      if ("refused" in checked) return checked;
      known.set(digest, { ...checked, version });
      return { identity: checked.identity };
    } catch (error) {
      if (error instanceof IssuerUnavailable) throw unavailable(error, issuer);
      return { refused: inWords(error, token, config) };
    }
  };
}

/** A token that was checked before. */
interface Known {
  readonly identity: Identity;
  readonly expiresAt: Millis;
  /** Of the keys it was checked with. */
  readonly version: number;
}

/** True if the token says so itself. Whether that is true is found out later. */
function isOf(issuer: string, token: string): boolean {
  try {
    return decodeJwt(token).iss === issuer;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

function recognitionOf(payload: JWTPayload, config: OidcConfig): Omit<Known, "version"> | { readonly refused: string } {
  const { sub: subject, exp = 0 } = payload;
  if (typeof subject !== "string" || subject === "") return { refused: 'the token\'s claim "sub" must be a text' };
  const owner = config.tenantClaim === null ? { tenant: "default" } : tenantIn(payload, config.tenantClaim);
  if ("refused" in owner) return owner;
  // The skew counts at both ends, or a token that was let in within it would end at once.
  const expiresAt = exp * 1000 + config.clockSkew;
  const identity: Identity = {
    tenant: owner.tenant,
    principal: `oidc:${config.issuer}#${subject}`,
    name: nameIn(payload),
    scopes: scopesIn(payload, config.scopesClaim),
    isOperator: false,
    rateLimit: null,
    expiresAt,
    revoked: null,
  };
  return { identity, expiresAt };
}

function unavailable(cause: IssuerUnavailable, issuer: string): Refused {
  const message = `the identity provider ${issuer} can't be asked for its keys, so its tokens can't be checked: try again, or use a key`;
  return new Refused(refusal("identity_provider_unavailable", message, { issuer }), { cause });
}

/** Why a token was refused. Anything but an error of jose is a fault of ours and is thrown on. */
function inWords(error: unknown, token: string, { issuer, audiences }: OidcConfig): string {
  if (!(error instanceof errors.JOSEError)) throw error;
  if (error instanceof errors.JWTExpired) return `the token expired at ${timeIn(error.payload.exp)}: fetch a new one`;
  if (error instanceof errors.JWTClaimValidationFailed) return claimInWords(error, audiences);
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the token's signature is wrong";
  if (error instanceof errors.JOSEAlgNotAllowed) {
    const { alg } = decodeProtectedHeader(token);
    return `the token's algorithm is ${quoted(alg)}: it must be signed with a public-key algorithm such as RS256 or ES256`;
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    const { alg, kid } = decodeProtectedHeader(token);
    return `the token is signed with the key ${quoted(kid)} for ${quoted(alg)}, which ${issuer} does not publish`;
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return `the token does not say which of the keys of ${issuer} it is signed with: its header needs a "kid"`;
  }
  return `the token can't be checked: ${error.message}`;
}

function claimInWords(
  { claim, reason, payload }: errors.JWTClaimValidationFailed,
  audiences: readonly string[],
): string {
  if (reason === "missing") return `the token has no claim "${claim}"`;
  if (claim === "aud") {
    const wanted = audiences.map((audience) => `"${audience}"`).join(" or ");
    return `the token is for the audience ${quoted(payload.aud)}, not for ${wanted}`;
  }
  if (claim === "nbf") return `the token is not valid before ${timeIn(payload.nbf)}`;
  return `the token's claim "${claim}" is wrong`;
}

function timeIn(seconds: number | undefined): string {
  const time = new Date((seconds ?? Number.NaN) * 1000);
  return Number.isNaN(time.getTime()) ? quoted(seconds) : time.toISOString();
}

// Whoever made the token wrote it, so it may be of any length.
const MAX_QUOTED = 100;

function quoted(value: unknown): string {
  const text = value === undefined ? "(none)" : JSON.stringify(value);
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}
