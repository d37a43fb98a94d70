/**
 * What calls leave in the heap that young collections do not free. The more it is, the more often the whole heap is collected, and then
 * everybody waits.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:http2";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { nextMessage } from "../../bench/child_message.ts";

const PROCESS = join(import.meta.dirname, "leftovers_process.ts");

// Enough for everything to be compiled, and what is made only once to be made.
const CALLS_BEFORE = 3_000;
const CALLS = 500;

it("of a call less is left than of one that a bare server of Node answers", async () => {
  const [belay, bare] = await Promise.all([leftOfOneCall("belay"), leftOfOneCall("bare")]);
  expect(belay).toBeLessThan(bare);
});

/** In bytes. */
async function leftOfOneCall(server: "belay" | "bare"): Promise<number> {
  const child = fork(PROCESS, [server], { execArgv: ["--expose-gc"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const session = connect(`http://127.0.0.1:${await nextMessage(child)}`);
  onTestFinished(() => session.destroy());
  const call = async (): Promise<void> => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.resume().end(Buffer.alloc(5));
    await once(stream, "close");
  };
  const leftOf = async (calls: number): Promise<number> => {
    for (let made = 0; made < calls; made += 1) await call();
    const left = nextMessage(child);
    child.send("what is left?");
    return Number(await left);
  };
  await leftOf(CALLS_BEFORE);
  return (await leftOf(CALLS)) / CALLS;
}
