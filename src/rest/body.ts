/** Reads the body of a request as its route takes it. */
import type { JsonValue } from "@bufbuild/protobuf";
import { findSyntaxFault } from "../rpc/json_syntax.ts";
import type { Route } from "./dialect.ts";
import { type Problem, problemOf } from "./problem.ts";

/** No contract nests deeper than a handful of levels; what decodes a body afterwards is recursive. */
const MAX_DEPTH = 64;

export type ReadBody = { readonly body: JsonValue } | { readonly problem: Problem };

/** @param bytes the whole body */
export function readBody(route: Pick<Route, "body">, headers: Headers, bytes: Uint8Array): ReadBody {
  if (route.body === "none") return { body: null };
  const contentType = headers.get("content-type") ?? "";
  const encoding = headers.get("content-encoding") ?? "identity";
  if (bytes.length > 0 && encoding.toLowerCase() !== "identity") {
    const message = `content encoding "${encoding}" is not taken here: send the body as it is`;
    return { problem: problemOf("malformed_body", message, { status: 415 }) };
  }
  switch (route.body) {
    case "form":
      return readForm(contentType, bytes);
    case "optional_json":
      return bytes.length === 0 ? { body: null } : readJson(contentType, bytes);
    case "json":
      return readJson(contentType, bytes);
  }
}

function readJson(contentType: string, bytes: Uint8Array): ReadBody {
  if (!isType(contentType, "application/json")) return unsupported(contentType, "application/json");
  const text = decode(bytes);
  if (text === null) return { problem: problemOf("malformed_body", "the body is not UTF-8", { status: 400 }) };
  if (text.trim() === "") return { body: null };
  const body = parse(text);
  if (body === undefined) {
    const fault = findSyntaxFault(text);
    const where = fault === null ? "" : `: unexpected ${fault.found} at line ${fault.line}, column ${fault.column}`;
    return { problem: problemOf("malformed_body", `the body is not JSON${where}`, { status: 400 }) };
  }
  if (isDeeperThan(body, MAX_DEPTH)) {
    const message = `the body is nested more than ${MAX_DEPTH} levels deep`;
    return { problem: problemOf("malformed_body", message, { status: 400 }) };
  }
  return { body };
}

function readForm(contentType: string, bytes: Uint8Array): ReadBody {
  const expected = "application/x-www-form-urlencoded";
  if (!isType(contentType, expected)) return unsupported(contentType, expected);
  return { body: Object.fromEntries(new URLSearchParams(decode(bytes) ?? "")) };
}

function unsupported(contentType: string, expected: string): ReadBody {
  const sent = contentType === "" ? "no content type was sent" : `content type "${contentType}" is not taken here`;
  return { problem: problemOf("malformed_body", `${sent}: send ${expected}`, { status: 415 }) };
}

function isType(contentType: string, expected: string): boolean {
  return contentType.split(";", 1)[0]?.trim().toLowerCase() === expected;
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Level by level, because a body that is too deep for recursion is just what this is looking for. */
function isDeeperThan(json: JsonValue, depth: number): boolean {
  let level: JsonValue[] = [json];
  for (let left = depth; level.length > 0; left -= 1) {
    if (left < 0) return true;
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
  return false;
}
