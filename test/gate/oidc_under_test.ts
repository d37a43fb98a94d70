/** A recognizer of a test's issuer, and what became of the tokens that it was shown. */
import { Refused } from "../../src/domain/refusal.ts";
import type { Recognition } from "../../src/gate/identity.ts";
import { createOidcRecognizer, type OidcConfig } from "../../src/gate/oidc.ts";
import { createLog } from "../server/log_under_test.ts";
import type { TestIssuer } from "./oidc_issuer.ts";

const ADDRESS = "192.0.2.7";
export const MINUTE = 60_000;

/** A recognizer of the issuer's tokens, on a clock that the test can put forward. */
export function recognizerOf(issuer: TestIssuer, more: Partial<OidcConfig> = {}) {
  const log = createLog();
  let ahead = 0;
  const config: OidcConfig = {
    issuer: issuer.url,
    audiences: ["belay"],
    jwksUrl: null,
    scopesClaim: "scope",
    tenantClaim: null,
    clockSkew: MINUTE,
    ...more,
  };
  const recognizer = createOidcRecognizer(config, { logger: log.logger, now: () => Date.now() + ahead });
  return {
    ...log,
    recognize: (token: string) => recognizer(token, ADDRESS),
    pass: (time: number) => {
      ahead += time;
    },
  };
}

/** The words that a token is refused with. */
export async function refusalOf(recognition: Promise<Recognition | null>): Promise<string | undefined> {
  const known = await recognition;
  return known !== null && "refused" in known ? known.refused : undefined;
}

export async function unavailabilityOf(recognition: Promise<unknown>): Promise<Refused> {
  const error = await recognition.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Refused && error.refusal.reason === "identity_provider_unavailable") return error;
  throw new Error(`not refused as unavailable: ${String(error)}`);
}
