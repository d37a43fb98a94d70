/** How long the event loop keeps arriving requests waiting. */
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Millis } from "../domain/time.ts";

export interface LoopDelay {
  /**
   * How late the loop was since the last time this was asked, at its better moments: a pause for garbage collection makes it late once, a
   * queue makes it late always. 0 if it was not, or if it had nothing to do at times: then others had taken the processor.
   */
  take(): Millis;
  close(): void;
}

/** How often the loop is looked at. In milliseconds. */
const RESOLUTION = 5;

/** Which part of the moments, in percent, may be better than what is told. */
const BETTER_MOMENTS = 25;

/** The share of time that a loop with a queue is at work. */
const BUSY = 0.75;

export function watchLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
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
      const busy = performance.eventLoopUtilization(current, utilization).utilization;
      utilization = current;
      return busy < BUSY ? 0 : Math.max(0, delay - RESOLUTION);
    },
    close: () => void histogram.disable(),
  };
}
