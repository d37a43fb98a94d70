/** Cursors of searches: the place of a row in a search's order, opaque to clients. */
import { createHash } from "node:crypto";
import { Refused, refusal } from "../domain/refusal.ts";
import type { SearchValue } from "./process_instance_search.ts";

/**
 * In plain base64, which is the alphabet that Camunda's clients allow.
 *
 * @param order whatever the search is ordered by
 * @param place the values that the row is ordered by, as a JSON array
 */
export function encodeSearchCursor(order: unknown, place: string): string {
  return Buffer.from(`${markOf(order)}${place}`).toString("base64");
}

/** The values that a cursor stands for. Throws `invalid_page_token` for anything that a search of this order did not make. */
export function decodeSearchCursor(order: unknown, length: number, cursor: string): readonly SearchValue[] {
  const text = Buffer.from(cursor, "base64").toString();
  const mark = markOf(order);
  const values = text.startsWith(mark) ? parse(text.slice(mark.length)) : [];
  if (values.length !== length || !values.every(isSearchValue)) throw invalid();
  return values;
}

function parse(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch (error) {
    throw invalid({ cause: error });
  }
}

function isSearchValue(value: unknown): value is SearchValue {
  return typeof value === "string" || typeof value === "number";
}

function markOf(order: unknown): string {
  return createHash("sha256").update(JSON.stringify(order)).digest("base64").slice(0, 8);
}

function invalid(options?: ErrorOptions): Refused {
  const message = "page: the cursor was not made by a search with this order; use one of the page before";
  return new Refused(refusal("invalid_page_token", message), options);
}
