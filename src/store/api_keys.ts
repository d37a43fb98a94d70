/** The keys that were made while the server ran, as the store keeps them. */
import type { Millis } from "../domain/time.ts";
import type { AuditEntry } from "./audit.ts";
import type { Page, PageRequest } from "./page.ts";

export interface ApiKey {
  readonly id: string;
  readonly tenant: string;
  /** What it is for, for people. */
  readonly description: string;
  /** The first characters of the secret. */
  readonly prefix: string;
  /** SHA-256 of the secret, in hex. The secret has 256 random bits, so there is nothing to guess. */
  readonly digest: string;
  readonly scopes: readonly string[];
  /** Addresses and CIDR blocks. Empty: all. */
  readonly allowedAddresses: readonly string[];
  readonly rateLimit: { readonly calls: number; readonly period: Millis } | null;
  readonly createdAt: Millis;
  /** The principal that made it. */
  readonly createdBy: string;
  readonly expiresAt: Millis | null;
  readonly revokedAt: Millis | null;
}

export interface ApiKeys {
  /** All of them, of every tenant. */
  all(): Promise<readonly ApiKey[]>;
  /** Newest first. */
  list(tenant: string, page: PageRequest): Promise<Page<ApiKey>>;
  /** Keeps the key and the audit entry that tells of it, in one transaction. */
  insert(key: ApiKey, audit: AuditEntry): Promise<void>;
  /** Revokes a key, and keeps the audit entry. Resolves with the key as it is then; null if the tenant has none with the id. */
  revoke(tenant: string, id: string, now: Millis, audit: AuditEntry): Promise<ApiKey | null>;
  /** A random secret of this store, in hex, made when it is first asked for. The same for every server on it. */
  secret(): Promise<string>;
}
