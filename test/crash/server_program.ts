// A Belay server that the crash tests steer: it takes the flags of `belay serve`, and over IPC the faults that it is to suffer.
import { Command } from "commander";
import { addServeOptions, configOf } from "../../src/cli/serve_options.ts";
import { startServer, type Trials } from "../../src/server/main.ts";
import type { FaultPoint, Faults } from "../../src/store/faults.ts";

/** What is to happen when the server comes to the point for the `count`th time from now. */
export interface Fault {
  readonly point: FaultPoint;
  readonly count: number;
  /** The death of the process, or a stop like that of SIGSTOP, until SIGCONT. */
  readonly what: "die" | "freeze";
}

/** What the program tells its parent. */
export type ServerMessage = { readonly url: string } | { readonly frozen: FaultPoint };

/**
 * Well below what a server for people has, so that what it forgets, or a dead one leaves behind, is due within a test. While a server
 * that starts again and again never gets past its grace, no lease ends.
 */
const TRIALS: Trials = { effectClaim: 1_000, leaseGrace: 700 };

let armed: Fault | null = null;
let left = 0;

const faults: Faults = {
  async reach(point) {
    if (armed?.point !== point) return;
    left -= 1;
    if (left > 0) return;
    const { what } = armed;
    armed = null;
    if (what === "die") process.kill(process.pid, "SIGKILL");
    await new Promise((told) => process.send?.({ frozen: point } satisfies ServerMessage, told));
    process.kill(process.pid, "SIGSTOP");
  },
};

process.on("message", (fault: Fault) => {
  armed = fault;
  left = fault.count;
});
// It must not outlive the test that started it.
process.on("disconnect", () => process.exit(1));

const config = configOf(addServeOptions(new Command()).parse(process.argv).opts());
const server = await startServer(config, { ...TRIALS, faults });
process.send?.({ url: server.url } satisfies ServerMessage);
