/** The load process: carries out one order after another for the benchmark that has forked it, and ends with it. */
import { drive } from "./drive.ts";
import type { LoadOrder } from "./order.ts";
import type { LoadReply } from "./process.ts";

process.on("disconnect", () => process.exit());
process.on("message", (message) => {
  void carryOut(JSON.parse(String(message))).then((reply) => process.send?.(JSON.stringify(reply)));
});

async function carryOut(order: LoadOrder): Promise<LoadReply> {
  try {
    return { result: await drive(order) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
