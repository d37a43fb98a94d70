/** Tenants: whose executions they are. */

// As in the contract's CreateKeyRequest.
const TENANT = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** What a tenant's name is made of, in words. */
export const TENANT_IN_WORDS = 'lower-case letters, digits, "-", "_" and ".", up to 63';

export function isTenant(text: string): boolean {
  return TENANT.test(text);
}
