/** What the claims of a token mean to Belay. */
import type { JWTPayload } from "jose";
import { isScope, type Scope } from "./scope.ts";
import { isTenant, TENANT_IN_WORDS } from "./tenant.ts";

/** The scopes in a claim: words in a text, or in an array. Those that Belay does not know are for others. */
export function scopesIn(payload: JWTPayload, claim: string): readonly Scope[] {
  const value = claimAt(payload, claim);
  const texts: unknown[] = Array.isArray(value) ? value : [value];
  const words = texts.flatMap((text) => (typeof text === "string" ? text.split(/\s+/) : []));
  return [...new Set(words.filter(isScope))];
}

/** The tenant in a claim, or in words why there is none. */
export function tenantIn(
  payload: JWTPayload,
  claim: string,
): { readonly tenant: string } | { readonly refused: string } {
  const tenant = claimAt(payload, claim);
  if (tenant === undefined) return { refused: `the token has no claim "${claim}", which names the tenant` };
  if (typeof tenant === "string" && isTenant(tenant)) return { tenant };
  return { refused: `the token's claim "${claim}" must be the name of a tenant: ${TENANT_IN_WORDS}` };
}

// The first ones are known to people, the last to the issuer.
const NAMES = ["preferred_username", "email", "client_id", "azp", "sub"];

/** What people call whom the token stands for. */
export function nameIn(payload: JWTPayload): string {
  const names = NAMES.map((claim) => payload[claim]);
  return names.find((name): name is string => typeof name === "string" && name !== "") ?? "";
}

/**
 * A claim by its name or its path: "scope", "realm_access.roles", and, as names may have dots themselves, "https://belay.example/scopes"
 * and "resource_access.my.client.roles". Undefined if it is not there.
 */
function claimAt(value: unknown, path: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, path)) return Object.entries(value).find(([name]) => name === path)?.[1];
  const within = Object.entries(value).filter(([name]) => path.startsWith(`${name}.`));
  for (const [name, inner] of within) {
    const found = claimAt(inner, path.slice(name.length + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
