import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { expect, it, onTestFinished } from "vitest";
import { createBelay } from "../../src/client/index.ts";
import { fakeBelay, TOKEN } from "./fake_belay.ts";

/** Grants a lease to every second attempt: the answer to the first is lost. Notes the key of each. */
function forgetful(keys: (string | null)[]) {
  return (_request: unknown, { requestHeader }: HandlerContext) => {
    keys.push(requestHeader.get("idempotency-key"));
    if (keys.length % 2 === 1) throw new ConnectError("the connection broke", Code.Unavailable);
    return { lease: { token: TOKEN, leaseSeconds: 1 } };
  };
}

it.each([false, true])(
  "a claim is repeated under its own key until it is answered (registered: %s)",
  async (registered) => {
    const keys: (string | null)[] = [];
    const answers = {
      executions: { registerExecution: forgetful(keys) },
      workers: { startExecution: forgetful(keys) },
    };
    const belay = createBelay({ transport: fakeBelay(answers).transport });
    onTestFinished(() => belay.close());

    for (const id of ["p-1", "p-2"]) (await belay.claim({ kind: "process", id, registered })).release();

    const [first, again, other, otherAgain] = keys;
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(otherAgain).toBe(other);
  },
);
