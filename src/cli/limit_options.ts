/** The settings of `belay serve` that limit how often callers may call. */
import { type Command, Option } from "commander";
import type { RateLimit } from "../gate/identity.ts";
import type { RateLimitsConfig } from "../server/config.ts";
import { parseRate } from "./rate_option.ts";

export interface LimitOptions {
  readonly rateLimitPerKey?: RateLimit;
  readonly rateLimitPerAddress?: RateLimit;
}

export function addLimitOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--rate-limit-per-key <rate>", "how often each caller may call whose key has no limit, as in 100/1s")
        .env("BELAY_RATE_LIMIT_PER_KEY")
        .argParser(parseRate),
    )
    .addOption(
      new Option("--rate-limit-per-address <rate>", "how often all callers of one address may call, as in 6000/1m")
        .env("BELAY_RATE_LIMIT_PER_ADDRESS")
        .argParser(parseRate),
    );
}

export function rateLimitsOf({ rateLimitPerKey, rateLimitPerAddress }: LimitOptions): RateLimitsConfig {
  return { perKey: rateLimitPerKey ?? null, perAddress: rateLimitPerAddress ?? null };
}

/** "100/1s", for people. */
export function rateInWords({ calls, period }: RateLimit): string {
  return `${calls}/${period / 1000}s`;
}
