/** The load process of the overload benchmark: carries out one order after another, and ends with the benchmark that has forked it. */

import type { OverloadReply } from "./load_process.ts";
import { runOpenLoop } from "./open_loop.ts";
import type { OverloadOrder } from "./order.ts";

process.on("disconnect", () => process.exit());
process.on("message", (message) => {
  void carryOut(JSON.parse(String(message))).then((reply) => process.send?.(JSON.stringify(reply)));
});

async function carryOut(order: OverloadOrder): Promise<OverloadReply> {
  try {
    return { result: await runOpenLoop(order) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
