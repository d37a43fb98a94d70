/**
 * Refuses JSON that Connect would take for something else. Connect passes over a name that an enum does not have, as if the field had
 * not been sent: a cancel with a misspelt strategy would be carried out with the default one.
 */
import { type ContextKey, createContextKey, type Interceptor, type UnaryRequest } from "@connectrpc/connect";
import { checkJson } from "./bad_json.ts";

/** The body of a unary call as it came, decompressed; null if it is not JSON. */
export type JsonBody = () => Promise<Uint8Array | null>;

/** Where the port puts the body of a Connect call; null: nothing is left to check. */
export const jsonBodyKey: ContextKey<JsonBody | null> = createContextKey<JsonBody | null>(null, {
  description: "the JSON body",
});

/** Has to run before anything acts on the decoded message. */
export const checkJsonBodies: Interceptor = (next) => (call) => {
  if (call.stream) return next(call);
  const bodyOf = call.requestMethod === "GET" ? async () => jsonOfUrl(call) : call.contextValues.get(jsonBodyKey);
  return bodyOf === null ? next(call) : checkBody(next, call, bodyOf);
};

async function checkBody(
  next: ReturnType<Interceptor>,
  call: UnaryRequest,
  bodyOf: JsonBody,
): ReturnType<ReturnType<Interceptor>> {
  const body = await bodyOf();
  const error = body === null ? null : checkJson(call.method, body);
  if (error !== null) throw error;
  return next(call);
}

/** The message in the URL of a Connect GET; null if it is not JSON, or compressed, which no client does with JSON. */
function jsonOfUrl(call: UnaryRequest): Uint8Array | null {
  const parameters = new URL(call.url).searchParams;
  const message = parameters.get("message");
  if (message === null || parameters.get("encoding") !== "json" || parameters.has("compression")) return null;
  return parameters.get("base64") === "1" ? Buffer.from(message, "base64url") : Buffer.from(message);
}
