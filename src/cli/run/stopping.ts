/** Stops a command's processes, as Belay orders or as local signals ask. */
import { type Cancellation, requesterOf } from "../../client/cancellation.ts";
import type { StopOrder } from "../../client/stop_order.ts";
import type { Messages } from "./messages.ts";
import type { ProcessFamily } from "./process_family.ts";

/**
 * Milliseconds between SIGTERM and SIGKILL where no cancellation says how long to wait: for what a command leaves behind when it ends by
 * itself, and for work whose lease is lost.
 */
const GRACE = 5_000;

/**
 * Milliseconds in which a repeated signal counts as the same one: Ctrl-C under npm comes twice, from the terminal and from npm, which
 * passes it on.
 */
const SAME_SIGNAL = 300;

export interface Stopping {
  /** Does what Belay orders. */
  obey(order: StopOrder): void;
  /** Passes on a local signal that asks for a stop; kills at the second, and leaves at the third. */
  stopFor(signal: NodeJS.Signals): void;
  /** Passes on a local signal that means whatever it means to the command. */
  passOn(signal: NodeJS.Signals): void;
  /** To be called when the command's first process has ended: stops what it left behind, unless Belay's orders see to that. */
  cleanUp(): void;
  /** To be called as long as processes are left: kills those that were forked while their parents were being killed. */
  insist(): void;
  /** To be called when nothing is left to stop. */
  end(): void;
  /** The first local signal that asked for a stop; null if none came. */
  interruptedBy(): NodeJS.Signals | null;
}

/** @param onLeave called when the user will not wait any longer, neither for processes that don't die nor for Belay to be told */
export function stoppingOf(family: ProcessFamily, messages: Messages, onLeave: () => void): Stopping {
  let isOrdered = false;
  let isKilling = false;
  let hasEnded = false;
  let interruptedBy: NodeJS.Signals | null = null;
  let signals = 0;
  let lastSignalAt = Number.NEGATIVE_INFINITY;
  let killTimer: NodeJS.Timeout | undefined;

  const signal = (name: NodeJS.Signals): void => {
    const refused = family.signal(name);
    if (refused.length > 0) messages.error(`not permitted to send ${name} to ${refused.join(", ")}`);
  };
  const ask = (name: NodeJS.Signals): void => {
    signal(name);
    // A suspended process would not see it.
    signal("SIGCONT");
  };
  const kill = (): void => {
    isKilling = true;
    signal("SIGKILL");
  };
  const killLater = (): void => {
    killTimer ??= setTimeout(() => {
      messages.notice(`still running after ${GRACE / 1000} s: SIGKILL to process group ${family.group}`);
      kill();
    }, GRACE);
  };

  return {
    obey({ signal: order, cancellation }) {
      if (hasEnded) return;
      isOrdered = true;
      const isAtOnce = order === "terminate" || (order === "lease_lost" && cancellation?.strategy === "hard");
      const name = isAtOnce ? "SIGKILL" : "SIGTERM";
      messages.notice(`${describeOrder(order, cancellation)}: ${name} to process group ${family.group}`);
      if (isAtOnce) kill();
      else ask("SIGTERM");
      if (order === "lease_lost") killLater();
    },
    cleanUp() {
      const { length } = family.members();
      if (isOrdered || length === 0) return;
      messages.notice(
        `the command has ended; stopping ${length} ${length === 1 ? "process" : "processes"} that it left`,
      );
      ask("SIGTERM");
      killLater();
    },
    insist() {
      if (isKilling) family.signal("SIGKILL");
    },
    end() {
      hasEnded = true;
      clearTimeout(killTimer);
    },
    interruptedBy: () => interruptedBy,
    stopFor(name) {
      const isRepeated = performance.now() - lastSignalAt < SAME_SIGNAL;
      if (isRepeated) return;
      lastSignalAt = performance.now();
      signals += 1;
      if (hasEnded || signals > 2) {
        onLeave();
      } else if (signals === 1) {
        interruptedBy = name;
        messages.notice(`${name}: passed on to process group ${family.group}; once more to kill it`);
        ask(name);
      } else {
        messages.notice(`${name} again: SIGKILL to process group ${family.group}`);
        kill();
      }
    },
    passOn(name) {
      if (hasEnded) return;
      // A new window size is for whoever draws in it; the others are for the command, as without `belay run`.
      if (name === "SIGWINCH") signal(name);
      else family.signalLeader(name);
    },
  };
}

function describeOrder(order: StopOrder["signal"], cancellation: Cancellation | undefined): string {
  if (cancellation === undefined) return "the lease was lost and the work was handed on or ended elsewhere";
  const requester = requesterOf(cancellation);
  const by = requester === "" ? "" : ` by ${requester}`;
  const reason = cancellation.reason === "" ? "" : ` (${cancellation.reason})`;
  switch (order) {
    case "stop":
      return `cancelled${by}${reason}`;
    case "terminate":
      return `terminated${by}${reason}`;
    case "lease_lost":
      return `cancelled${by} while the connection was lost${reason}`;
  }
}
