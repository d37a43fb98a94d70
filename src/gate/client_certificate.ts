/** Recognizes client certificates, by the rules of the operator. */
import type { DetailedPeerCertificate } from "node:tls";
import type { Millis } from "../domain/time.ts";
import { type CertificateRule, type Match, matchOf } from "./client_certificate_rules.ts";
import type { Identity, Recognition } from "./identity.ts";
import { namesOf } from "./subject_alternative_names.ts";

export interface CertificateRecognizer {
  /** Whom the certificate stands for: the first rule that fits counts. An authority of ours signed it; that was seen to before. */
  recognize(certificate: DetailedPeerCertificate): Recognition;
  /** From now on these rules count. What is under way by rules that are gone, or may have been overtaken, ends. */
  setRules(rules: readonly CertificateRule[]): void;
}

/** A rule in force: until it is revoked. */
interface Rule extends CertificateRule {
  readonly fits: (certificate: Facts) => boolean;
  readonly revocation: AbortController;
}

/** What rules look at. */
interface Facts {
  readonly commonNames: readonly string[];
  /** For example "DNS:ops.example.com". */
  readonly alternativeNames: readonly string[];
  readonly fingerprint: string;
}

export function createCertificateRecognizer(
  first: readonly CertificateRule[],
  now: () => Millis = Date.now,
): CertificateRecognizer {
  let rules = first.map(inForce);
  return {
    recognize(certificate) {
      const facts = factsOf(certificate);
      const rule = rules.find(({ fits }) => fits(facts));
      if (rule === undefined) return { refused: `no rule of the server is for ${inWords(facts)}` };
      const expiresAt = Date.parse(certificate.valid_to);
      // It had not when the connection was made; that may have been long ago.
      if (expiresAt <= now()) {
        return { refused: `the client certificate expired at ${new Date(expiresAt).toISOString()}` };
      }
      return { identity: identityOf(rule, expiresAt) };
    },
    setRules(next) {
      // The first rule that fits counts, so all from the first that differs may mean something else now.
      const kept = rules.findIndex((rule, index) => !isSame(rule, next[index]));
      const unchanged = kept === -1 ? rules : rules.slice(0, kept);
      const gone = rules.slice(unchanged.length);
      rules = [...unchanged, ...next.slice(unchanged.length).map(inForce)];
      for (const { revocation } of gone) revocation.abort();
    },
  };
}

function inForce(rule: CertificateRule): Rule {
  const match = matchOf(rule.match);
  if (match === null) throw new Error(`"${rule.match}" is no match of certificates`);
  return { ...rule, fits: (facts) => fits(match, facts), revocation: new AbortController() };
}

function isSame(one: CertificateRule, other: CertificateRule | undefined): boolean {
  const texts = ({ match, tenant, scopes, name }: CertificateRule) => JSON.stringify([match, tenant, scopes, name]);
  return other !== undefined && texts(one) === texts(other);
}

function fits({ kind, value }: Match, { commonNames, alternativeNames, fingerprint }: Facts): boolean {
  switch (kind) {
    case "CN":
      return commonNames.includes(value);
    case "SHA256":
      return fingerprint === value;
    case "DNS":
      // The names of hosts have no case.
      return alternativeNames.some((name) => name.toLowerCase() === `dns:${value.toLowerCase()}`);
    default:
      return alternativeNames.includes(`${kind}:${value}`);
  }
}

function factsOf({ subject, subjectaltname, fingerprint256 }: DetailedPeerCertificate): Facts {
  // A certificate may have no subject, and several common names; Node's types know neither.
  const commonName: unknown = subject?.CN;
  const commonNames: unknown[] = Array.isArray(commonName) ? commonName : [commonName];
  return {
    commonNames: commonNames.filter((name) => typeof name === "string"),
    alternativeNames: namesOf(subjectaltname ?? ""),
    fingerprint: fingerprint256,
  };
}

function inWords({ commonNames, alternativeNames, fingerprint }: Facts): string {
  const names = [...commonNames.map((name) => `CN:${name}`), ...alternativeNames];
  const listed = names.length === 0 ? `SHA256:${fingerprint}` : names.join(", ");
  return `the client certificate of ${JSON.stringify(listed.slice(0, MAX_LISTED))}`;
}

/** Enough to tell whose it is; a certificate may list thousands of names. */
const MAX_LISTED = 300;

function identityOf({ match, tenant, scopes, name, revocation }: Rule, expiresAt: Millis): Identity {
  return {
    tenant,
    principal: `cert:${match}`,
    name,
    scopes,
    isOperator: false,
    rateLimit: null,
    expiresAt,
    revoked: revocation.signal,
  };
}
