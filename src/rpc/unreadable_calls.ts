/** Calls whose request could not be read: no interceptor sees them, and they are to pass the gate like all others. */
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError, type ContextValues } from "@connectrpc/connect";
import { Refused } from "../domain/refusal.ts";
import type { Gate } from "../gate/gate.ts";
import { isAudited } from "./auditing.ts";
import { callerKey, peerKey } from "./caller.ts";
import { secretsOf } from "./credentials.ts";
import { errorInfoReason, refusalToError } from "./errors.ts";
import { type RefusalSink, recordRefusal } from "./refusal_entry.ts";
import { scopesOf } from "./scopes.ts";

interface UnreadableCall {
  readonly method: DescMethod;
  readonly header: Headers;
  readonly values: ContextValues;
  /** What is wrong with the request. */
  readonly error: ConnectError;
}

/** The error to answer: what is wrong with the request is told only to those who may make it. */
export type JudgeUnreadable = (call: UnreadableCall) => Promise<ConnectError>;

export function judgeUnreadable(gate: Gate, refusals: RefusalSink): JudgeUnreadable {
  return async (call) => {
    const { method, header, values } = call;
    // Nobody waits for the answer.
    if (call.error.code === Code.Canceled) return call.error;
    const error = (await refusalOfGate(gate, call)) ?? call.error;
    if (isAudited(method)) {
      const caller = values.get(callerKey);
      const { address } = values.get(peerKey);
      await recordRefusal(refusals, {
        subject: { action: method.name, execution: null, reason: "", requestedBy: "" },
        // Behind the gate a caller has the address of its peer; the default has none.
        caller: caller.address === "" ? null : caller,
        address,
        requestId: header.get("x-request-id") ?? "",
        refusal: { code: error.code, reason: errorInfoReason(error), message: error.rawMessage },
      });
    }
    return error;
  };
}

/** Null: the caller may make the call. */
async function refusalOfGate(gate: Gate, { method, header, values }: UnreadableCall): Promise<ConnectError | null> {
  const scopes = scopesOf(method);
  if (scopes === null) return null;
  try {
    await gate.enter({
      peer: values.get(peerKey),
      secrets: secretsOf(header),
      scopes,
      onRecognized: (recognized) => values.set(callerKey, recognized),
    });
    return null;
  } catch (error) {
    if (error instanceof Refused) return refusalToError(error.refusal, method);
    throw error;
  }
}
