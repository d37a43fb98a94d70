import { describe, expect, it } from "vitest";
import { parseCertificateRules } from "../../src/gate/client_certificate_rules.ts";

describe("the rules for client certificates", () => {
  it("have the default tenant, and their match for a name, unless they say otherwise", () => {
    const json = `[
      { "match": "CN:ops", "scopes": ["admin"] },
      { "match": "URI:spiffe://prod/billing", "tenant": "prod", "scopes": ["cancel:process", "executions:read"], "name": "billing" }
    ]`;

    expect(parseCertificateRules(json)).toEqual([
      { match: "CN:ops", tenant: "default", scopes: ["admin"], name: "CN:ops" },
      {
        match: "URI:spiffe://prod/billing",
        tenant: "prod",
        scopes: ["cancel:process", "executions:read"],
        name: "billing",
      },
    ]);
  });

  it.each<[string, unknown, string]>([
    ["no array", {}, "it must be an array of rules, such as [{"],
    ["a rule that is no object", ["CN:ops"], "rule 1 must be an object"],
    [
      "a property that no rule has",
      [{ match: "CN:a", scope: "admin" }],
      'rule 1 has "scope": a rule has only match, tenant',
    ],
    ["no match", [{ scopes: ["admin"] }], 'rule 1, "match", must be one of "CN:…"'],
    ["a match of no kind", [{ match: "ops", scopes: ["admin"] }], 'rule 1, "match", must be one of "CN:…"'],
    ["a match without a value", [{ match: "CN:", scopes: ["admin"] }], 'rule 1, "match", must be one of'],
    ["a short fingerprint", [{ match: "SHA256:AB:CD", scopes: ["admin"] }], "must have 32 bytes in upper-case hex"],
    [
      "no scopes",
      [{ match: "CN:a", scopes: ["admin"] }, { match: "CN:b" }],
      'rule 2, "scopes", must be an array of scopes',
    ],
    ["an empty list of scopes", [{ match: "CN:a", scopes: [] }], 'rule 1, "scopes", must be an array of scopes'],
    [
      "a scope that is none",
      [{ match: "CN:a", scopes: ["cancel"] }],
      'rule 1, "scopes", has "cancel", which Belay does not know',
    ],
    [
      "a tenant that is none",
      [{ match: "CN:a", scopes: ["admin"], tenant: "A B" }],
      'rule 1, "tenant", must be the name of a tenant',
    ],
    ["an empty name", [{ match: "CN:a", scopes: ["admin"], name: "" }], 'rule 1, "name", must be a text'],
    [
      "a match twice",
      [
        { match: "CN:a", scopes: ["admin"] },
        { match: "CN:a", scopes: ["worker"] },
      ],
      'rule 2 has the match of rule 1, "CN:a"',
    ],
  ])("are refused with %s, in words that say where", (_name, rules, complaint) => {
    expect(() => parseCertificateRules(JSON.stringify(rules))).toThrow(complaint);
  });
});
