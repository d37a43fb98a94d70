/** Short-lived tokens that a key is exchanged for (OAuth client credentials). A token ends with its key. */
import { hkdfSync } from "node:crypto";
import { errors, jwtVerify, SignJWT } from "jose";
import type { Identity, Recognizer } from "./identity.ts";
import type { KeyRing } from "./key_ring.ts";

interface Token {
  readonly token: string;
  /** In seconds. */
  readonly expiresIn: number;
}

export interface Tokens {
  readonly recognize: Recognizer;
  /** A token that stands for the identity of a key for a while. */
  issue(identity: Identity): Promise<Token>;
}

/** Long enough that clients which fetch one in advance are not busy with it, short enough that a stolen one is soon worthless. */
const TOKEN_SECONDS = 600;
const ISSUER = "belay";
const ALGORITHM = "HS256";

/** @param secret of the store: the same after a restart, and for every server on it */
export function createTokens(secret: string, ring: KeyRing): Tokens {
  const signingKey = new Uint8Array(hkdfSync("sha256", secret, "", "belay token signing key", 32));
  return {
    recognize: async (text, address) => {
      const subject = await subjectOf(text, signingKey);
      if (subject === null || "refused" in subject) return subject;
      return ring.recognizePrincipal(subject.principal, address);
    },
    issue: async ({ principal }) => {
      const token = await new SignJWT({})
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuer(ISSUER)
        .setSubject(principal)
        .setIssuedAt()
        .setExpirationTime(`${TOKEN_SECONDS}s`)
        .sign(signingKey);
      return { token, expiresIn: TOKEN_SECONDS };
    },
  };
}

/** The principal in a token of ours; null for anything else. */
async function subjectOf(
  token: string,
  signingKey: Uint8Array,
): Promise<{ readonly principal: string } | { readonly refused: string } | null> {
  try {
    const { payload } = await jwtVerify(token, signingKey, { issuer: ISSUER, algorithms: [ALGORITHM] });
    return payload.sub === undefined ? null : { principal: payload.sub };
  } catch (error) {
    if (error instanceof errors.JWTExpired) return { refused: "the token has expired: fetch a new one" };
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}
