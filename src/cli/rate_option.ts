/** Rates on the command line: "100/1s", "6000/1m". */
import { InvalidArgumentError } from "commander";
import type { RateLimit } from "../gate/identity.ts";
import { MAX_INT32 } from "./number_option.ts";
import { millisOfSpan } from "./span.ts";

/** A day: the longest period of the contract. */
const LONGEST_PERIOD = 86_400_000;

/** "100/1s": at most 100 calls in each second. */
export function parseRate(text: string): RateLimit {
  const [calls = "", span = "", ...rest] = text.split("/");
  const period = millisOfSpan(span);
  const isCount = /^\d+$/.test(calls) && Number(calls) >= 1 && Number(calls) <= MAX_INT32;
  if (isCount && period !== null && period >= 1000 && period <= LONGEST_PERIOD && rest.length === 0) {
    return { calls: Number(calls), period };
  }
  throw new InvalidArgumentError("It must be a number of calls and a span of up to a day, such as 100/1s or 6000/1m.");
}
