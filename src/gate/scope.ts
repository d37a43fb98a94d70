/** Scopes: what a caller is permitted to do. */
import { KINDS, type Kind } from "../domain/execution.ts";

export type Scope =
  | "executions:read"
  | "executions:write"
  | "worker"
  /** Everything, the keys and the audit log included. */
  | "admin"
  | "cancel:*"
  | `cancel:${Kind}`;

/** Every scope, each once. */
export const SCOPES: readonly Scope[] = [
  "executions:read",
  "executions:write",
  "cancel:*",
  ...KINDS.map((kind): Scope => `cancel:${kind}`),
  "worker",
  "admin",
];

export function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text);
}

/** True if `held` permits what any one of `wanted` permits. What wants none is permitted to nobody. */
export function permits(held: readonly Scope[], wanted: readonly Scope[]): boolean {
  const isAdmin = held.includes("admin");
  return wanted.some((scope) => isAdmin || held.includes(scope) || isCoveredByAll(held, scope));
}

function isCoveredByAll(held: readonly Scope[], scope: Scope): boolean {
  return scope.startsWith("cancel:") && held.includes("cancel:*");
}
