/** The machine's monotonic clock: the same for all processes, also for what V8 writes into a profile. */

const PER_MICROSECOND = 1000n;

export function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / PER_MICROSECOND);
}
