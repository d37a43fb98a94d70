/** Identities: whoever a key, a token or a client certificate stands for. */
import type { Millis } from "../domain/time.ts";
import type { Scope } from "./scope.ts";

/** At most `calls` calls in each `period`. */
export interface RateLimit {
  readonly calls: number;
  readonly period: Millis;
}

export interface Identity {
  /** Whose executions it sees and touches. */
  readonly tenant: string;
  /**
   * Who it is within the tenant: unique and lasting, for example "key:0199…" or "oidc:https://issuer#subject". Command ids and the audit
   * log go by it.
   */
  readonly principal: string;
  /** For people: the description of the key, the subject of the token or of the certificate. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** True if it may manage the keys of other tenants too: the operator of the server. */
  readonly isOperator: boolean;
  /** Null: the server's own limit counts. */
  readonly rateLimit: RateLimit | null;
  /** When it ends by itself; null: never. */
  readonly expiresAt: Millis | null;
  /** Aborted when it ends before its time. What is under way in its name ends with it. Null: it can't be revoked. */
  readonly revoked: AbortSignal | null;
}

/** Where no credentials are configured, everybody who reaches the port is this one: only this machine may. */
export const ANONYMOUS: Identity = {
  tenant: "default",
  principal: "anonymous",
  name: "anonymous",
  scopes: ["admin"],
  isOperator: true,
  rateLimit: null,
  expiresAt: null,
  revoked: null,
};

/** Whoever calls: an identity, and where it calls from. */
export interface Caller extends Identity {
  /** The address of the client, for example "192.0.2.7". */
  readonly address: string;
}

/**
 * What became of a secret: the identity that it stands for; or that it was one that no longer counts, or does not count here, in words
 * for whoever shows it.
 */
export type Recognition = { readonly identity: Identity } | { readonly refused: string };

/** Knows one sort of secrets. Null: the secret is of another sort, or was made up. */
export type Recognizer = (secret: string, address: string) => Promise<Recognition | null>;
