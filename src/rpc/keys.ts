/** The keys that callers may show, and the short-lived tokens that a key can be exchanged for. */
import { createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { errors, jwtVerify, SignJWT } from "jose";

/** One key, as it is given at the start. */
export interface KeyGrant {
  readonly key: string;
  /** Who the key belongs to, for command ids and logs. */
  readonly name: string;
  /** What it permits beyond what every key permits; null: everything. */
  readonly permissions: readonly string[] | null;
}

/** Whoever showed a key. */
export interface KeyHolder {
  /** Stands for the key in tokens: tells nothing of it, and no other key has it. Names need not be unique. */
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly string[] | null;
}

interface Token {
  readonly token: string;
  /** In seconds. */
  readonly expiresIn: number;
}

export interface Keys {
  /** False: no keys are configured, and everybody on this machine may call. */
  readonly isRequired: boolean;
  /** Who shows `secret`, a key or a token; null if it is neither. */
  holderOf(secret: string): Promise<KeyHolder | null>;
  /** A token that stands for the holder for a while. */
  issueToken(holder: KeyHolder): Promise<Token>;
}

/** Long enough that clients which fetch one in advance are not busy with it, short enough that a stolen one is soon worthless. */
const TOKEN_SECONDS = 600;
const ISSUER = "belay";
const ALGORITHM = "HS256";

export function keysOf(grants: readonly KeyGrant[]): Keys {
  const signingKey = signingKeyOf(grants);
  const known = grants.map(({ key, name, permissions }) => ({
    digest: digestOf(key),
    holder: { id: createHmac("sha256", signingKey).update(key).digest("base64url"), name, permissions },
  }));
  const holderOfId = (id: string | undefined): KeyHolder | null =>
    known.find(({ holder }) => holder.id === id)?.holder ?? null;
  return {
    isRequired: known.length > 0,
    holderOf: async (secret) => {
      const digest = digestOf(secret);
      // Compares with every key, and digests of one length, so that the time tells nothing.
      const [match] = known.filter((candidate) => timingSafeEqual(candidate.digest, digest));
      return match?.holder ?? holderOfId(await subjectOf(secret, signingKey));
    },
    issueToken: async ({ id }) => {
      const token = await new SignJWT({})
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuer(ISSUER)
        .setSubject(id)
        .setIssuedAt()
        .setExpirationTime(`${TOKEN_SECONDS}s`)
        .sign(signingKey);
      return { token, expiresIn: TOKEN_SECONDS };
    },
  };
}

/** The id in a token of ours that has not expired; undefined for anything else. */
async function subjectOf(token: string, signingKey: Uint8Array): Promise<string | undefined> {
  try {
    const { payload } = await jwtVerify(token, signingKey, { issuer: ISSUER, algorithms: [ALGORITHM] });
    return payload.sub;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

/** Follows from the keys, so that tokens outlive a restart, and end with a change of keys. */
function signingKeyOf(grants: readonly KeyGrant[]): Uint8Array {
  const keys = grants.map(({ key }) => key).join("\n");
  return new Uint8Array(hkdfSync("sha256", keys, "", "belay token signing key", 32));
}

function digestOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
