/** Decides whether the secrets that a request shows let it in: for every door, in one place. */
import { failureToError } from "./errors.ts";
import type { KeyHolder, Keys } from "./keys.ts";

/** What a key must permit for cancelling workflow instances, as their product documents it. */
export const WORKFLOWS_RUN = "workflows_run";

/**
 * Who shows the secrets: the holder of the first. Each must be known, and each permit what is asked for.
 *
 * @param permission null: any key will do
 * @throws ConnectError UNAUTHENTICATED or PERMISSION_DENIED
 */
export async function authorize(keys: Keys, secrets: readonly string[], permission: string | null): Promise<KeyHolder> {
  const found = await Promise.all(secrets.map((secret) => keys.holderOf(secret)));
  const holders = found.filter((holder) => holder !== null);
  const [first] = holders;
  if (first === undefined || holders.length < secrets.length) {
    const message = secrets.length === 0 ? "no credentials were sent: send a key" : "the credentials are not valid";
    throw failureToError({ reason: "unauthenticated", message }, null);
  }
  if (permission !== null && !holders.every(({ permissions }) => permissions?.includes(permission) ?? true)) {
    const message = `the key lacks the permission ${permission}`;
    throw failureToError({ reason: "permission_denied", message, metadata: { permission } }, null);
  }
  return first;
}
