/** Scopes, as they are written on the command line and in key files. */
import leven from "leven";
import { isScope, SCOPES, type Scope } from "../gate/scope.ts";

/**
 * The scopes in "executions:read,cancel:*", each once; or, if one is unknown, what is wrong in words that name the right ones. Kinds may
 * be written as the commands write them: "cancel:process-instance".
 */
export function scopesIn(text: string): readonly Scope[] | string {
  const scopes = new Set<Scope>();
  for (const word of text.split(",").map((part) => part.trim())) {
    const scope = word.toLowerCase().replaceAll("-", "_");
    if (!isScope(scope)) return `"${word}" is no scope. Scopes are ${nearestFirst(scope).join(", ")}.`;
    scopes.add(scope);
  }
  return [...scopes];
}

function nearestFirst(word: string): Scope[] {
  return SCOPES.toSorted((one, other) => leven(word, one) - leven(word, other));
}
