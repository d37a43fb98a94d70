/** Which issuer's tokens `belay serve` takes (OpenID Connect). */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { OidcConfig } from "../gate/oidc.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { wholeNumber } from "./number_option.ts";

export interface OidcOptions {
  readonly oidcIssuer?: string;
  readonly oidcAudience?: readonly string[];
  readonly oidcJwksUrl?: string;
  readonly oidcScopesClaim: string;
  readonly oidcTenantClaim?: string;
  /** In seconds. */
  readonly oidcClockSkew: number;
}

export function addOidcOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--oidc-issuer <url>", "whose tokens are taken: their claim iss, to the letter")
        .env("BELAY_OIDC_ISSUER")
        .argParser(parseIssuer),
    )
    .addOption(
      new Option("--oidc-audience <audience,…>", "what a token's claim aud must name one of; may be given again")
        .env("BELAY_OIDC_AUDIENCE")
        .argParser(parseAudiences),
    )
    .addOption(
      new Option("--oidc-jwks-url <url>", "where the issuer publishes its keys; if not given, it is asked")
        .env("BELAY_OIDC_JWKS_URL")
        .argParser(parseSafeUrl),
    )
    .addOption(
      new Option("--oidc-scopes-claim <claim>", "the claim with the scopes, or the path to it")
        .env("BELAY_OIDC_SCOPES_CLAIM")
        .default("scope")
        .argParser(parseClaim),
    )
    .addOption(
      new Option("--oidc-tenant-claim <claim>", 'the claim with the tenant; if not given, it is "default"')
        .env("BELAY_OIDC_TENANT_CLAIM")
        .argParser(parseClaim),
    )
    .addOption(
      new Option("--oidc-clock-skew <seconds>", "by how much the issuer's clock may differ")
        .env("BELAY_OIDC_CLOCK_SKEW")
        .default(60)
        .argParser(wholeNumber(0, 600)),
    );
}

/** Null: no tokens are taken. Throws if one setting needs another beside it. */
export function oidcOf(options: OidcOptions): OidcConfig | null {
  const { oidcIssuer, oidcAudience, oidcJwksUrl, oidcTenantClaim } = options;
  if (oidcIssuer === undefined) {
    const given = [
      ...(oidcAudience === undefined ? [] : ["--oidc-audience"]),
      ...(oidcJwksUrl === undefined ? [] : ["--oidc-jwks-url"]),
      ...(oidcTenantClaim === undefined ? [] : ["--oidc-tenant-claim"]),
    ];
    if (given.length === 0) return null;
    throw new CommandFailure(`${given.join(" and ")} needs --oidc-issuer beside it`, EXIT.usage);
  }
  if (oidcAudience === undefined) {
    const why = "without it, a token that the issuer made for any other service would count here";
    throw new CommandFailure(`--oidc-issuer needs --oidc-audience beside it: ${why}`, EXIT.usage);
  }
  return {
    issuer: oidcIssuer,
    audiences: oidcAudience,
    jwksUrl: oidcJwksUrl ?? null,
    scopesClaim: options.oidcScopesClaim,
    tenantClaim: oidcTenantClaim ?? null,
    clockSkew: options.oidcClockSkew * 1000,
  };
}

function parseIssuer(text: string): string {
  const url = new URL(parseSafeUrl(text));
  if (url.search === "" && url.hash === "") return text;
  throw new InvalidArgumentError("It must be a URL without a query, for example https://login.example.com/realms/ops.");
}

/** Whoever stands between could answer with keys of his own, so a URL without TLS must stay on this machine. */
function parseSafeUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "https:") return text;
  if (url?.protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname)) return text;
  throw new InvalidArgumentError("It must be an https:// URL, for example https://login.example.com/realms/ops.");
}

function parseAudiences(text: string, before: readonly string[] = []): string[] {
  const audiences = text.split(",").map((audience) => audience.trim());
  if (audiences.every((audience) => audience !== "")) return [...before, ...audiences];
  throw new InvalidArgumentError("It must be one audience, or several with commas between them.");
}

function parseClaim(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("It must be the name of a claim, for example scope or realm_access.roles.");
}
