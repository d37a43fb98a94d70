/** The gate: who calls, whether it may, and how often. Every door asks it, for every call. */
import type { DetailedPeerCertificate } from "node:tls";
import { Refused, refusal } from "../domain/refusal.ts";
import { ANONYMOUS, type Caller, type Identity, type Recognition, type Recognizer } from "./identity.ts";
import type { Peer } from "./peer.ts";
import type { RateLimits, RateStanding } from "./rate_limits.ts";
import { permits, type Scope } from "./scope.ts";

export interface GateOptions {
  /** Asked in this order. */
  readonly recognizers: readonly Recognizer[];
  /** Who shows a client certificate; null: certificates say nothing. */
  readonly recognizeCertificate: ((certificate: DetailedPeerCertificate) => Recognition) | null;
  /** False while no credentials are configured: then everybody who reaches the port is the same caller. Asked for every call. */
  readonly isRequired: () => boolean;
  readonly limits: RateLimits;
}

/** A call before the gate. */
export interface Arrival {
  readonly peer: Peer;
  /** What it shows; each must be known. Empty: its certificate counts, if it has one. */
  readonly secrets: readonly string[];
  /** Any one of them is enough. */
  readonly scopes: readonly Scope[];
  /** Told who it is as soon as that is known, also if it is refused then: whoever logs a refusal names whom it met. */
  readonly onRecognized: (caller: Caller) => void;
}

/** A call behind the gate. */
export interface Admitted {
  readonly caller: Caller;
  /** Null: nothing limits it. */
  readonly standing: RateStanding | null;
}

export interface Gate {
  readonly isRequired: () => boolean;
  /** Lets a call in. Throws `Refused`: `unauthenticated`, `permission_denied` or `rate_limited`. */
  enter(arrival: Arrival): Promise<Admitted>;
  /** Who shows the secret. Throws `unauthenticated`. For doors that exchange it. */
  identify(secret: string, peer: Peer): Promise<Identity>;
}

export function createGate({ recognizers, recognizeCertificate, isRequired, limits }: GateOptions): Gate {
  async function recognize(secret: string, address: string): Promise<Recognition> {
    for (const recognizer of recognizers) {
      const recognition = await recognizer(secret, address);
      if (recognition !== null) return recognition;
    }
    return { refused: "the credentials are not valid" };
  }

  function certified({ certificate }: Peer): Recognition {
    if (certificate === null || recognizeCertificate === null) {
      return { refused: "no credentials were sent, or none that can be read: send a key" };
    }
    return recognizeCertificate(certificate);
  }

  /** The identity, or the end of the call. Failures are counted, so that nobody can go on guessing. */
  async function identityOf(recognition: Recognition, { address }: Peer): Promise<Identity> {
    if ("identity" in recognition) return recognition.identity;
    await limits.failed(address);
    throw new Refused(refusal("unauthenticated", recognition.refused));
  }

  async function identities(secrets: readonly string[], peer: Peer): Promise<readonly [Identity, ...Identity[]]> {
    const [secret, ...others] = secrets;
    if (secret === undefined) return [await identityOf(certified(peer), peer)];
    const first = await identityOf(await recognize(secret, peer.address), peer);
    const rest: Identity[] = [];
    for (const other of others) rest.push(await identityOf(await recognize(other, peer.address), peer));
    if (rest.some(({ tenant }) => tenant !== first.tenant)) {
      await identityOf({ refused: "the credentials belong to different tenants" }, peer);
    }
    return [first, ...rest];
  }

  return {
    isRequired,
    enter: async ({ peer, secrets, scopes, onRecognized }) => {
      const { address } = peer;
      const shown = isRequired() ? await identities(secrets, peer) : ([ANONYMOUS] as const);
      const [first] = shown;
      const caller = { ...first, address };
      onRecognized(caller);
      const standing = await limits.enter(first, address);
      if (!shown.every((identity) => permits(identity.scopes, scopes))) throw lacking(scopes);
      return { caller, standing };
    },
    identify: async (secret, peer) =>
      isRequired() ? identityOf(await recognize(secret, peer.address), peer) : ANONYMOUS,
  };
}

function lacking(scopes: readonly Scope[]): Refused {
  const [scope = "admin"] = scopes;
  const message = `the caller lacks the scope ${scopes.length > 1 ? `${scopes.join(" or ")}` : scope}`;
  return new Refused(refusal("permission_denied", message, { scope }));
}
