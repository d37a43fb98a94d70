/** JSON values, as they come over the wire. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** Object members in the order of their names, and no white space: the same text for values that say the same. */
export function canonicalJson(json: Json): string {
  if (typeof json !== "object" || json === null) return JSON.stringify(json);
  if (isList(json)) return `[${json.map(canonicalJson).join(",")}]`;
  const members = Object.entries(json).map(([name, value]) => `${JSON.stringify(name)}:${canonicalJson(value)}`);
  return `{${members.sort().join(",")}}`;
}

/** TypeScript does not take Array.isArray for a guard of read-only arrays. */
function isList(json: readonly Json[] | JsonObject): json is readonly Json[] {
  return Array.isArray(json);
}

/** True if two JSON values say the same. The order of object members does not matter. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = new Map(Object.entries(a));
  const right = Object.entries(b);
  return (
    left.size === right.length && right.every(([name, value]) => left.has(name) && sameJson(left.get(name), value))
  );
}
