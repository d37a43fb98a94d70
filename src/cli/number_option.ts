/** Whole numbers on the command line and in the environment. */
import { InvalidArgumentError } from "commander";

/** A parser that takes whole numbers from `from` to `to`, and says so to whoever gives another. */
export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`);
  };
}

/** The greatest value of a 32-bit integer of the contract. */
export const MAX_INT32 = 2_147_483_647;
