/** Every way in: each RPC of the contract over each protocol, and each route of each dialect in its own header style. */
import { type DescMethod, getOption } from "@bufbuild/protobuf";
import { scopes } from "../../gen/belay/v1/scopes_pb.ts";
import { SERVICES } from "../../src/rpc/routes.ts";
import type { Belongings } from "./belongings.ts";

/** How a call was answered. */
export interface Outcome {
  /** The HTTP status; null where it is always 200. */
  readonly status: number | null;
  /** As Connect writes it, "ok" included; null where the dialect does not tell. */
  readonly code: string | null;
  /** All that was answered, as text: the message or the error with its details. */
  readonly said: string;
  /** Of a header or trailer. */
  readonly field: (name: string) => string | null;
}

export type Headers = Readonly<Record<string, string>>;

export interface AccessPoint {
  /** For example "PhoneFarm POST /processes/:process_id/cancel". */
  readonly name: string;
  /** As the contract declares them; null: it asks for no credentials. */
  readonly scopes: readonly string[] | null;
  /** The ways in which callers show a key here. */
  readonly styles: readonly ((key: string) => Headers)[];
  /** The HTTP status that the contract documents for the refusal; null where it is always 200. */
  readonly statusOf: (reason: "unauthenticated" | "permission_denied") => number | null;
  /** Asks for something about `things`, from the address `from`. */
  readonly call: (url: string, things: Belongings, headers: Headers, from: string) => Promise<Outcome>;
}

export const bearer = (key: string): Headers => ({ authorization: `Bearer ${key}` });

export const basic = (key: string): Headers => ({
  authorization: `Basic ${Buffer.from(`anybody:${key}`).toString("base64")}`,
});

/** Every RPC that needs credentials. */
export const RPCS: readonly DescMethod[] = SERVICES.flatMap(({ methods }) => methods);

/** "belay.v1.KeyService/CreateKey" */
export function nameOf({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}

/** What the descriptor says, read here for itself. */
export function declaredScopes(method: DescMethod): readonly string[] {
  return getOption(method, scopes);
}

/** True if the contract lets in a caller who has this scope and no other. */
export function letsIn(declared: readonly string[], scope: string): boolean {
  if (scope === "admin") return true;
  if (scope === "cancel:*") return declared.some((wanted) => wanted.startsWith("cancel:"));
  return declared.includes(scope);
}

/** More attempts than a server that is not overloaded for long takes. */
const MAX_ATTEMPTS = 1_000;

/** The answer, once it is another than that the server has too much to do: a busy machine may well have. */
export async function whenServed(ask: () => Promise<Outcome>): Promise<Outcome> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const outcome = await ask();
    if (!outcome.said.includes("the server has more to do than it can")) return outcome;
  }
  throw new Error("the server is overloaded all the time");
}
