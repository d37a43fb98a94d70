/** Whom client certificates stand for, as the operator wrote it down. See docs/tls.md. */
import { isScope, SCOPES, type Scope } from "./scope.ts";
import { isTenant, TENANT_IN_WORDS } from "./tenant.ts";

/** The certificates that fit `match` stand for `name`, of `tenant`, with `scopes`. */
export interface CertificateRule {
  /** As it is written in the file, for example "URI:spiffe://prod/billing". */
  readonly match: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** For people. */
  readonly name: string;
}

/** What a certificate can be known by; as OpenSSL and Node write them. */
const MATCH_KINDS = ["CN", "DNS", "URI", "email", "SHA256"] as const;
type MatchKind = (typeof MATCH_KINDS)[number];

/** "DNS:ops.example.com" is of kind DNS and has the value ops.example.com. */
export interface Match {
  readonly kind: MatchKind;
  readonly value: string;
}

/** Null: `text` has no kind that is known, or no value. */
export function matchOf(text: string): Match | null {
  const colon = text.indexOf(":");
  const kind = MATCH_KINDS.find((each) => each === text.slice(0, Math.max(colon, 0)));
  const value = text.slice(colon + 1);
  return kind === undefined || value === "" ? null : { kind, value };
}

/** A JSON array of rules. Throws an Error that says which rule is wrong, and what would be right. */
export function parseCertificateRules(json: string): readonly CertificateRule[] {
  const list: unknown = JSON.parse(json);
  if (!Array.isArray(list)) throw new Error(`it must be an array of rules, such as ${EXAMPLE}`);
  const rules = list.map((rule: unknown, index) => ruleOf(rule, `rule ${index + 1}`));
  rules.forEach(({ match }, index) => {
    const first = rules.findIndex((rule) => rule.match === match);
    if (first < index) throw new Error(`rule ${index + 1} has the match of rule ${first + 1}, "${match}": keep one`);
  });
  return rules;
}

const EXAMPLE =
  '[{"match": "URI:spiffe://prod/billing", "tenant": "billing", "scopes": ["cancel:*"], "name": "billing"}]';
const PROPERTIES = ["match", "tenant", "scopes", "name"];

const FINGERPRINT = /^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/;

function ruleOf(rule: unknown, where: string): CertificateRule {
  if (typeof rule !== "object" || rule === null || Array.isArray(rule)) {
    throw new Error(`${where} must be an object, as in ${EXAMPLE}`);
  }
  const unknown = Object.keys(rule).find((property) => !PROPERTIES.includes(property));
  if (unknown !== undefined) throw new Error(`${where} has "${unknown}": a rule has only ${PROPERTIES.join(", ")}`);
  const { match: written, tenant = "default", scopes, name }: Partial<Record<string, unknown>> = { ...rule };

  const match = checkMatch(written, `${where}, "match",`);
  if (typeof tenant !== "string" || !isTenant(tenant)) {
    throw new Error(`${where}, "tenant", must be the name of a tenant: ${TENANT_IN_WORDS}`);
  }
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw new Error(`${where}, "name", must be a text that is not empty`);
  }
  return { match, tenant, scopes: checkScopes(scopes, `${where}, "scopes",`), name: name ?? match };
}

function checkMatch(match: unknown, where: string): string {
  const parsed = typeof match === "string" ? matchOf(match) : null;
  if (typeof match !== "string" || parsed === null) {
    throw new Error(`${where} must be one of ${MATCH_KINDS.map((kind) => `"${kind}:…"`).join(", ")}`);
  }
  if (parsed.kind === "SHA256" && !FINGERPRINT.test(parsed.value)) {
    const command = "openssl x509 -noout -fingerprint -sha256";
    throw new Error(`${where} must have 32 bytes in upper-case hex, as "SHA256:0A:1B:…": \`${command}\` prints them`);
  }
  return match;
}

function checkScopes(scopes: unknown, where: string): readonly Scope[] {
  const known = `its scopes are ${SCOPES.join(", ")}`;
  if (!Array.isArray(scopes) || scopes.length === 0) throw new Error(`${where} must be an array of scopes; ${known}`);
  return scopes.map((scope: unknown) => {
    if (typeof scope === "string" && isScope(scope)) return scope;
    throw new Error(`${where} has ${JSON.stringify(scope)}, which Belay does not know: ${known}`);
  });
}
