/** 64-bit integers of the contract and numbers of the domain. */
import { invalidRequest } from "../errors.ts";

/** No token, activation or sequence that was ever handed out is beyond what a number can hold: one that is, is a mistake. */
export function integerOf(message: bigint, field: string): number {
  if (message > BigInt(Number.MAX_SAFE_INTEGER) || message < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw invalidRequest([{ field, description: `must be an integer of at most ${Number.MAX_SAFE_INTEGER}` }]);
  }
  return Number(message);
}
