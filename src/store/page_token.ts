/** Page tokens: the place after the last row of a page, and a mark of the list that it belongs to. Opaque to clients. */
import { createHash } from "node:crypto";
import { Refused, refusal } from "../domain/refusal.ts";
import type { Millis } from "../domain/time.ts";

/** Where a page ended: lists are ordered by time and row number, newest first. */
export interface Place {
  readonly at: Millis;
  readonly rid: number;
}

/** The token of the page after `place`. `list` is whatever the list depends on: tenant, filter. */
export function encodePageToken(list: unknown, place: Place): string {
  return Buffer.from(JSON.stringify([markOf(list), place.at, place.rid])).toString("base64url");
}

/** The place that a token stands for; null for the empty token. Throws `invalid_page_token` for anything that this list did not make. */
export function decodePageToken(list: unknown, token: string): Place | null {
  if (token === "") return null;
  const [mark, at, rid] = parse(Buffer.from(token, "base64url").toString());
  if (mark !== markOf(list) || typeof at !== "number" || typeof rid !== "number") throw invalid();
  return { at, rid };
}

function parse(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch (error) {
    throw invalid({ cause: error });
  }
}

function markOf(list: unknown): string {
  return createHash("sha256").update(JSON.stringify(list)).digest("base64url").slice(0, 12);
}

function invalid(options?: ErrorOptions): Refused {
  return new Refused(
    refusal(
      "invalid_page_token",
      "page_token: not made by this list; use the next_page_token of the page before, with the same filter",
    ),
    options,
  );
}
