/** To which part of the program a function of a profile belongs: a room of ours, a package, or a part of Node. */
import type { CallFrame } from "./cpu_profile.ts";

/** The processor waits; nothing to account for. */
export const IDLE = "idle";

const OWN_NAMES: ReadonlyMap<string, string> = new Map([
  ["(idle)", IDLE],
  ["(root)", IDLE],
  ["(garbage collector)", "garbage collection"],
  ["(program)", "native code and system calls"],
]);

const PACKAGES: readonly (readonly [RegExp, string])[] = [
  [/^@connectrpc\//, "connect"],
  [/^@bufbuild\/protovalidate|^@bufbuild\/cel/, "protovalidate"],
  [/^@bufbuild\/protobuf/, "protobuf"],
];

const NODE_PARTS: readonly (readonly [RegExp, string])[] = [
  [/^(internal\/)?http2/, "node:http2"],
  [/^_?http|^internal\/http/, "node:http"],
  [/^net$|stream/, "node: sockets and streams"],
];

const SQLITE = "better-sqlite3";

/** What SQLite does has no frame of its own: it counts as the time of the function of ours that called it, and those are these. */
const SQLITE_CALLERS = /\/src\/store\/sqlite\//;
const SQLITE_METHODS: ReadonlySet<string> = new Set(["run", "runMany", "get", "all", "iterate", "exec"]);

/**
 * @param caller the area of what called it: native functions of no file belong there
 */
export function areaOf({ functionName, url }: CallFrame, caller: string): string {
  const named = OWN_NAMES.get(functionName);
  if (named !== undefined) return named;
  if (url === "") return caller;
  if (SQLITE_METHODS.has(functionName) && SQLITE_CALLERS.test(url)) return SQLITE;
  if (url.startsWith("node:")) return matching(NODE_PARTS, url.slice("node:".length)) ?? "node: other";
  const [, packageName] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  if (packageName !== undefined) return matching(PACKAGES, packageName) ?? packageName;
  const [, room] = /\/(?:dist\/)?(src\/[^/]+|gen)\//.exec(url) ?? [];
  return room ?? "other";
}

function matching(patterns: readonly (readonly [RegExp, string])[], name: string): string | undefined {
  return patterns.find(([pattern]) => pattern.test(name))?.[1];
}
