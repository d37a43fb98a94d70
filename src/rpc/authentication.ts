/** Lets in the callers of RPCs, by what they show in the header style of any of the products. */
import { isMessage } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { ActivateListenerJobsRequestSchema } from "../../gen/belay/v1/worker_service_pb.ts";
import type { Gate } from "../gate/gate.ts";
import { accompanied } from "./accompanied.ts";
import { callerKey, peerKey } from "./caller.ts";
import { secretsOf } from "./credentials.ts";
import { scopesOf } from "./scopes.ts";
import { type Validity, validityOf } from "./validity.ts";

type Next = ReturnType<Interceptor>;

/** Sets the caller of a call that came over the wire. What goes on for long ends with the credentials that let it in. */
export function authenticateCalls(gate: Gate): Interceptor {
  return (next) => async (call) => {
    const scopes = scopesOf(call.method);
    if (scopes === null) return next(call);
    const { caller } = await gate.enter({
      peer: call.contextValues.get(peerKey),
      secrets: secretsOf(call.header),
      scopes,
      onRecognized: (recognized) => call.contextValues.set(callerKey, recognized),
    });
    const isLong = call.stream || isMessage(call.message, ActivateListenerJobsRequestSchema);
    const validity = isLong ? validityOf(caller) : null;
    return validity === null ? next(call) : answerWhileValid(next, call, validity);
  };
}

async function answerWhileValid(next: Next, call: Parameters<Next>[0], validity: Validity): ReturnType<Next> {
  const signal = AbortSignal.any([call.signal, validity.signal]);
  try {
    const answer = await next({ ...call, signal });
    if (answer.stream) return { ...answer, message: accompanied(answer.message, { onOver: validity.release }) };
    validity.release();
    return answer;
  } catch (error) {
    validity.release();
    throw error;
  }
}
