/** The keys that an OpenID Connect issuer signs its tokens with, as it publishes them. */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";

export interface IssuerKeysOptions {
  readonly issuer: string;
  /** Null: where the issuer's discovery document says. */
  readonly jwksUrl: string | null;
  readonly logger: Logger;
  readonly now: () => Millis;
}

export interface IssuerKeys {
  /** For jose. Rejects with an `IssuerUnavailable`, or jose's JWKSNoMatchingKey if the issuer does not publish the key. */
  readonly keyFor: JWTVerifyGetKey;
  /** Goes up when the issuer publishes other keys than before. */
  readonly version: number;
  /** Sees to it that the keys are no older than they may be. Resolves with false if there are none that may be used. */
  keepFresh(): Promise<boolean>;
}

/** The issuer can't be asked for its keys, or does not answer with any. */
export class IssuerUnavailable extends Error {
  override readonly name = "IssuerUnavailable";
}

/** How long keys are used before the issuer is asked again, in the background. */
const REFRESH_AFTER: Millis = 5 * 60 * 1000;

/** How old keys may be while the issuer can be reached: so soon one that it withdraws counts no more. */
const MAX_AGE: Millis = 10 * 60 * 1000;

/** How long they are used while the issuer can't be reached: the brakes must work when its machines are on fire too. */
const USE_FOR: Millis = 24 * 60 * 60 * 1000;

/** How soon an unknown key makes Belay ask again: who makes keys up must not hammer the issuer through us. */
const COOLDOWN: Millis = 30_000;

/** How soon an issuer that failed is asked again; in between its callers learn at once that it is away. */
const RETRY_AFTER: Millis = 5_000;

const PATIENCE: Millis = 5_000;

interface Loaded {
  readonly find: JWTVerifyGetKey;
  readonly text: string;
  readonly at: Millis;
}

/** Begins to fetch the keys at once, so that the first caller need not wait. */
export function createIssuerKeys(options: IssuerKeysOptions): IssuerKeys {
  const { issuer, logger, now } = options;
  let loaded: Loaded | null = null;
  let loading: Promise<Loaded> | null = null;
  let failure: { readonly error: IssuerUnavailable; readonly at: Millis } | null = null;
  let version = 0;

  const load = async (): Promise<Loaded> => {
    try {
      const keySet = await fetchKeySet(options);
      const text = JSON.stringify(keySet.keys);
      const find = finderIn(keySet, issuer);
      if (loaded === null || failure !== null) logger.info({ issuer }, "the issuer's keys are here");
      if (loaded !== null && text !== loaded.text) {
        logger.info({ issuer }, "the issuer has changed its keys");
        version += 1;
      }
      loaded = { find, text, at: now() };
      failure = null;
      return loaded;
    } catch (reason) {
      const error =
        reason instanceof IssuerUnavailable
          ? reason
          : new IssuerUnavailable(`${issuer}: its keys can't be read`, { cause: reason });
      // Every attempt until it is back fails in the same way.
      if (failure === null) logger.error({ err: error, issuer }, "the issuer's keys can't be fetched");
      failure = { error, at: now() };
      throw error;
    }
  };
  /** One fetch at a time, and none soon after one that failed. */
  const loadOnce = (): Promise<Loaded> => {
    if (loading !== null) return loading;
    if (failure !== null && now() - failure.at < RETRY_AFTER) return Promise.reject(failure.error);
    loading = load().finally(() => {
      loading = null;
    });
    return loading;
  };
  const keepFresh = async (): Promise<boolean> => {
    const age = loaded === null ? Number.POSITIVE_INFINITY : now() - loaded.at;
    if (age > REFRESH_AFTER) {
      const isAway = failure !== null;
      // A failure is logged; the keys from before serve on, and nobody waits any more for an issuer that has failed.
      const done = loadOnce().then(
        () => {},
        () => {},
      );
      if (age > MAX_AGE && !isAway) await done;
    }
    return loaded !== null && now() - loaded.at <= USE_FOR;
  };

  loadOnce().catch(() => {});
  return {
    get version() {
      return version;
    },
    keepFresh,
    keyFor: async (header, token) => {
      const before = (await keepFresh()) && loaded !== null ? loaded : await loadOnce();
      try {
        return await before.find(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || now() - before.at < COOLDOWN) throw error;
      }
      const after = await loadOnce();
      return after.find(header, token);
    },
  };
}

function finderIn(keySet: JSONWebKeySet, issuer: string): JWTVerifyGetKey {
  const find = createLocalJWKSet(keySet);
  return async (header, token) => {
    try {
      return await find(header, token);
    } catch (error) {
      if (error instanceof errors.JOSEError) throw error;
      throw new IssuerUnavailable(`a key of ${issuer} can't be used`, { cause: error });
    }
  };
}

async function fetchKeySet({ issuer, jwksUrl }: IssuerKeysOptions): Promise<JSONWebKeySet> {
  const url = jwksUrl ?? (await discover(issuer));
  const keySet = await fetchJson(url);
  if (isKeySet(keySet)) return keySet;
  throw new IssuerUnavailable(`${url} is no JSON Web Key Set`);
}

/** https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig */
async function discover(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { issuer: named, jwks_uri: jwksUrl }: Partial<Record<string, unknown>> = { ...(await fetchJson(url)) };
  // Otherwise one issuer could publish keys in the name of another.
  if (named !== issuer) {
    throw new IssuerUnavailable(
      `${url} is of the issuer ${JSON.stringify(named)}, not of "${issuer}": both must be the same`,
    );
  }
  if (typeof jwksUrl === "string" && URL.canParse(jwksUrl)) return jwksUrl;
  throw new IssuerUnavailable(`${url} names no jwks_uri`);
}

async function fetchJson(url: string): Promise<object> {
  try {
    const response = await fetch(url, {
      headers: { accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (!response.ok) throw new IssuerUnavailable(`${url} answered ${response.status}`);
    const body: unknown = await response.json();
    if (typeof body !== "object" || body === null) throw new IssuerUnavailable(`${url} answered with no JSON object`);
    return body;
  } catch (error) {
    if (error instanceof IssuerUnavailable) throw error;
    throw new IssuerUnavailable(`${url} ${inWords(error)}`, { cause: error });
  }
}

/** Beside what the error itself says. */
function inWords(error: unknown): string {
  if (error instanceof SyntaxError) return "answered with what is no JSON";
  if (error instanceof DOMException && error.name === "TimeoutError")
    return `did not answer within ${PATIENCE / 1000} s`;
  return "can't be reached";
}

function isKeySet(value: object): value is JSONWebKeySet {
  return (
    "keys" in value && Array.isArray(value.keys) && value.keys.every((key) => typeof key === "object" && key !== null)
  );
}
