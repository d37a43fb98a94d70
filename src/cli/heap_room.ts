/** When the whole heap is collected, and what that takes from the calls meanwhile. */
import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { halfOfProcessors } from "./helper_threads.ts";

const ROOM_BYTES = 64 * 1024 * 1024;

/** Of V8: by how many percent the heap may grow. */
export const GROWTH_OPTION = "--heap-growing-percent";

/**
 * Of V8: to make nothing as an old object because others from the same place in the code have lived long. While executions are registered
 * much does; the calls that come after them would leave half as much again behind until the whole heap is collected.
 */
export const YOUNG_OPTION = "--no-allocation-site-pretenuring";

/**
 * Of V8: how many threads mark what is still in use, beside the one that serves the calls. By itself it takes all that it has: four, also on
 * two processors, where their number could not be limited. Calls would wait for their turn.
 */
export const MARKERS_OPTION = "--concurrent-marking-max-worker-num";

/**
 * From here on the heap may grow by 64 MiB between two collections of the whole of it. V8 by itself lets it grow by as little as a tenth if
 * it finds that collecting costs little time: a busy server is collected every two or three seconds then, and each time calls wait while it
 * takes all of two processors for 50 to 80 ms. More room makes it rarer still, and the part of it in which everything stands longer: about
 * 1 ms for each MiB.
 */
export function giveHeapRoom(): void {
  setFlagsFromString(YOUNG_OPTION);
  setFlagsFromString(`${MARKERS_OPTION}=${halfOfProcessors()}`);
  setGrowth();
  // V8 takes a share of what is left after a collection, so it is told anew when that has changed.
  const observer = new PerformanceObserver((collections) => {
    if (collections.getEntries().some(isOfWholeHeap)) setGrowth();
  });
  observer.observe({ entryTypes: ["gc"] });
}

function setGrowth(): void {
  const percent = Math.ceil((100 * ROOM_BYTES) / getHeapStatistics().used_heap_size);
  setFlagsFromString(`${GROWTH_OPTION}=${percent}`);
}

function isOfWholeHeap(entry: PerformanceEntry): boolean {
  const detail: unknown = "detail" in entry ? entry.detail : null;
  const kind = typeof detail === "object" && detail !== null && "kind" in detail ? detail.kind : null;
  return kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}
