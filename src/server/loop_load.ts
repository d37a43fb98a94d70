/** How much the event loop has to do, and how long it keeps arriving requests waiting. */
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Millis } from "../domain/time.ts";

export interface LoopLoad {
  /**
   * How late the loop was, at its better moments: a pause for garbage collection makes it late once, a queue makes it late always. 0 if it
   * was not, or if it had nothing to do at times: then others had taken the processor.
   */
  readonly delay: Millis;
  /** The share of the time in which it was at work lately: from 0 to 1. */
  readonly busy: number;
}

export interface LoopWatch {
  /** Since the last time this was asked. */
  take(): LoopLoad;
  close(): void;
}

/** How often the loop is looked at. In milliseconds. */
const RESOLUTION = 5;

/** Which part of the moments, in percent, may be better than what is told. */
const BETTER_MOMENTS = 25;

/** The share of time that a loop with a queue is at work. */
const BUSY_WITH_A_QUEUE = 0.75;

/**
 * How much the latest share counts beside those before. A single one tells little: of a few milliseconds, all may be the work of one call,
 * or of the garbage collector.
 */
const WEIGHT_OF_LATEST = 0.2;

export function watchLoop(): LoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  let busy = 0;
  let takenAt = performance.now();
  let utilization: EventLoopUtilization = performance.eventLoopUtilization();
  return {
    take() {
      const now = performance.now();
      // It records the time from one look to the next, in nanoseconds. Where it had none, the loop has done nothing but work.
      const delay = histogram.count === 0 ? now - takenAt : histogram.percentile(BETTER_MOMENTS) / 1e6;
      histogram.reset();
      takenAt = now;
      const current = performance.eventLoopUtilization();
      const latest = performance.eventLoopUtilization(current, utilization).utilization;
      utilization = current;
      busy += (latest - busy) * WEIGHT_OF_LATEST;
      return { delay: latest < BUSY_WITH_A_QUEUE ? 0 : Math.max(0, delay - RESOLUTION), busy };
    },
    close: () => void histogram.disable(),
  };
}
