/** The load process: carries out one order after another for the benchmark that has forked it, and ends with it. */
import { drive } from "./drive.ts";
import type { LoadResult, PacedResult } from "./order.ts";
import { pace } from "./pace.ts";
import type { LoadReply, LoadTask } from "./process.ts";

process.on("disconnect", () => process.exit());
process.on("message", (message) => {
  void carryOut(JSON.parse(String(message))).then((reply) => process.send?.(JSON.stringify(reply)));
});

async function carryOut(task: LoadTask): Promise<LoadReply<LoadResult | PacedResult>> {
  try {
    return { result: "drive" in task ? await drive(task.drive) : await pace(task.pace) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
