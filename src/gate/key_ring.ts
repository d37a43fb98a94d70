/** The key ring: every key there is, those of the configuration and those that were made, and the identities behind them. */
import { timingSafeEqual } from "node:crypto";
import { BlockList } from "node:net";
import type { Millis } from "../domain/time.ts";
import type { ApiKey, ApiKeys } from "../store/api_keys.ts";
import { digestOf } from "./api_key.ts";
import type { Identity, Recognition, Recognizer } from "./identity.ts";
import { addBlock, isIn } from "./ip_address.ts";
import { isScope, type Scope } from "./scope.ts";

/** A key of the configuration: whoever runs the server gave it. */
export interface KeyGrant {
  readonly key: string;
  /** Unique among them. Command ids and the audit log go by it. */
  readonly name: string;
  /** Null: everything, for every tenant. */
  readonly scopes: readonly Scope[] | null;
}

interface Entry {
  readonly digest: string;
  readonly identity: Identity;
  readonly mayCallFrom: (address: string) => boolean;
}

export class KeyRing {
  readonly #byDigest = new Map<string, Entry>();
  readonly #byPrincipal = new Map<string, Entry>();
  /** What is revoked, by the id of its key. */
  readonly #revocations = new Map<string, AbortController>();
  readonly #now: () => Millis;

  constructor(now: () => Millis) {
    this.#now = now;
  }

  /** The ring with the keys of the configuration and of the store. */
  static async open(grants: readonly KeyGrant[], stored: Pick<ApiKeys, "all">, now: () => Millis): Promise<KeyRing> {
    const ring = new KeyRing(now);
    for (const grant of grants) ring.#hang(entryOfGrant(grant));
    for (const key of await stored.all()) ring.add(key);
    return ring;
  }

  /** True as long as there never was a key: those that have ended count. */
  get isEmpty(): boolean {
    return this.#byDigest.size === 0;
  }

  readonly recognize: Recognizer = async (secret, address) => {
    const digest = digestOf(secret);
    const entry = this.#byDigest.get(digest);
    if (entry === undefined || !isSame(entry.digest, digest)) return null;
    return this.#judge(entry, address);
  };

  /** Who goes by this principal, as if its key were shown; null if no key is that of this principal. */
  recognizePrincipal(principal: string, address: string): Recognition | null {
    const entry = this.#byPrincipal.get(principal);
    return entry === undefined ? null : this.#judge(entry, address);
  }

  add(key: ApiKey): void {
    const controller = new AbortController();
    this.#revocations.set(key.id, controller);
    if (key.revokedAt !== null) controller.abort();
    this.#hang(entryOfKey(key, controller.signal));
  }

  /** Brings the ring up to what the store has: another replica may have made or revoked keys. */
  async refresh(stored: Pick<ApiKeys, "all">): Promise<void> {
    for (const key of await stored.all()) {
      if (!this.#revocations.has(key.id)) this.add(key);
      else if (key.revokedAt !== null) this.revoke(key.id);
    }
  }

  /** Takes effect at once, also on what is under way. */
  revoke(id: string): void {
    this.#revocations.get(id)?.abort();
  }

  #hang(entry: Entry): void {
    const { principal, name } = entry.identity;
    if (this.#byPrincipal.has(principal)) throw new Error(`two keys have the name ${name}: give each its own`);
    this.#byDigest.set(entry.digest, entry);
    this.#byPrincipal.set(principal, entry);
  }

  #judge({ identity, mayCallFrom }: Entry, address: string): Recognition {
    const { expiresAt, revoked } = identity;
    if (revoked?.aborted) return { refused: "the key was revoked" };
    if (expiresAt !== null && expiresAt <= this.#now()) {
      return { refused: `the key expired at ${new Date(expiresAt).toISOString()}` };
    }
    if (!mayCallFrom(address)) return { refused: `the key may not be used from ${address}` };
    return { identity };
  }
}

function principalOfKey(id: string): string {
  return `key:${id}`;
}

function entryOfGrant({ key, name, scopes }: KeyGrant): Entry {
  return {
    digest: digestOf(key),
    identity: {
      tenant: "default",
      principal: principalOfKey(name),
      name,
      scopes: scopes ?? ["admin"],
      isOperator: scopes === null,
      rateLimit: null,
      expiresAt: null,
      revoked: null,
    },
    mayCallFrom: () => true,
  };
}

function entryOfKey(key: ApiKey, revoked: AbortSignal): Entry {
  const { allowedAddresses } = key;
  return {
    digest: key.digest,
    identity: {
      tenant: key.tenant,
      principal: principalOfKey(key.id),
      name: key.description,
      scopes: key.scopes.filter(isScope),
      isOperator: false,
      rateLimit: key.rateLimit,
      expiresAt: key.expiresAt,
      revoked,
    },
    mayCallFrom: allowedAddresses.length === 0 ? () => true : inBlocks(allowedAddresses),
  };
}

function inBlocks(list: readonly string[]): (address: string) => boolean {
  const blocks = new BlockList();
  for (const block of list) addBlock(blocks, block);
  return (address) => isIn(blocks, address);
}

/** Digests of one length, compared so that the time tells nothing. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, "hex"), Buffer.from(b, "hex"));
}
