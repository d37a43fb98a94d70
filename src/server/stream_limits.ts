/** How many streams may be open at once: each takes memory for as long as it lasts. */
import type { Interceptor } from "@connectrpc/connect";
import { Refused, refusal } from "../domain/refusal.ts";
import { callerKey } from "../rpc/caller.ts";

export interface StreamLimits {
  /** Of all callers together. Default 10,000: as many as connections may be open. */
  readonly total: number;
  /** Of one caller. Default 5,000: the workers of one key, each with a stream, and half of what there is for the others. */
  readonly perCaller: number;
}

const DEFAULT_STREAM_LIMITS: StreamLimits = { total: 10_000, perCaller: 5_000 };

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

  async function* counted<T>(messages: AsyncIterable<T>, who: string): AsyncIterable<T> {
    begin(who);
    try {
      yield* messages;
    } finally {
      end(who);
    }
  }

  return (next) => async (call) => {
    const answer = await next(call);
    if (!answer.stream) return answer;
    const { tenant, principal } = call.contextValues.get(callerKey);
    return { ...answer, message: counted(answer.message, `${tenant}\u0000${principal}`) };
  };
}

function tooMany(what: string): Refused {
  return new Refused(refusal("overloaded", `${what}: end one, or ask again later`));
}
