/** How many streams may be open at once: each takes memory for as long as it lasts. */
import type { Interceptor, StreamRequest, StreamResponse, UnaryResponse } from "@connectrpc/connect";
import { Refused, refusal } from "../domain/refusal.ts";
import { accompanied } from "../rpc/accompanied.ts";
import { callerKey } from "../rpc/caller.ts";

export interface StreamLimits {
  /** Of all callers together. Default 40,000: twice the workers of a large fleet. One that has nothing to do takes some 16 KiB. */
  readonly total: number;
  /** Of one caller. Default 20,000: the workers of one key, each with a stream, and half of what there is for the others. */
  readonly perCaller: number;
}

const DEFAULT_STREAM_LIMITS: StreamLimits = { total: 40_000, perCaller: 20_000 };

/** Stands behind the gate, so that it knows the caller. Refuses a stream that is one too many with `overloaded`. */
export function limitStreams({ total, perCaller }: StreamLimits = DEFAULT_STREAM_LIMITS): Interceptor {
  const open = new Map<string, number>();
  let all = 0;

  const begin = (who: string): void => {
    const own = open.get(who) ?? 0;
    if (own >= perCaller) throw tooMany(`this caller has ${own} streams open, as many as one may`);
    if (all >= total) throw tooMany(`there are ${all} streams open, as many as the server takes`);
    open.set(who, own + 1);
    all += 1;
  };
  const end = (who: string): void => {
    const left = (open.get(who) ?? 1) - 1;
    if (left === 0) open.delete(who);
    else open.set(who, left);
    all -= 1;
  };

  const limited = async (
    next: ReturnType<Interceptor>,
    call: StreamRequest,
  ): Promise<UnaryResponse | StreamResponse> => {
    const answer = await next(call);
    if (!answer.stream) return answer;
    const { tenant, principal } = call.contextValues.get(callerKey);
    const who = `${tenant}\u0000${principal}`;
    return { ...answer, message: accompanied(answer.message, { onBegin: () => begin(who), onOver: () => end(who) }) };
  };

  return (next) => (call) => (call.stream ? limited(next, call) : next(call));
}

function tooMany(what: string): Refused {
  return new Refused(refusal("overloaded", `${what}: end one, or ask again later`));
}
