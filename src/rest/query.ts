/** Parameters in the query of a URL. */
import { invalidRequest } from "../rpc/errors.ts";

export interface IntegerRange {
  readonly min: number;
  readonly max: number;
  /** What a parameter that is left out, or empty, stands for. */
  readonly otherwise: number;
}

/** A whole number. Throws a ConnectError that names the parameter if it is another thing, or out of range. */
export function integerParameter(query: URLSearchParams, name: string, { min, max, otherwise }: IntegerRange): number {
  const text = query.get(name) ?? "";
  if (text === "") return otherwise;
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw invalidRequest([{ field: name, description: `must be a whole number from ${min} to ${max}` }]);
}

/** One of a few words. Throws a ConnectError that names the parameter if it is another one. */
export function wordParameter<W extends string>(
  query: URLSearchParams,
  name: string,
  words: readonly W[],
  otherwise: W,
): W {
  const text = query.get(name) ?? "";
  if (text === "") return otherwise;
  const word = words.find((known) => known === text);
  if (word !== undefined) return word;
  throw invalidRequest([{ field: name, description: `must be one of ${words.join(", ")}` }]);
}
