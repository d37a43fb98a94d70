/** Makes some 24 MB of garbage that young collections don't free: `node --expose-gc`. Prints how often the whole heap was collected meanwhile. */
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { giveHeapRoom, isOfWholeHeap } from "../../src/cli/heap_room.ts";

const MEGABYTES = 24;

const { gc } = globalThis;
if (gc === undefined) throw new Error("--expose-gc is missing");
if (process.argv[2] === "room") giveHeapRoom();
gc();
let collections = 0;
const observer = new PerformanceObserver((list) => {
  collections += list.getEntries().filter(isOfWholeHeap).length;
});
await turn();
observer.observe({ entryTypes: ["gc"] });
for (let made = 0; made < MEGABYTES; made += 1) {
  const garbage = Array.from({ length: 20_000 }, (_, index) => ({ first: index, second: index, third: index }));
  // It is old after the second one.
  gc({ type: "minor" });
  gc({ type: "minor" });
  garbage.length = 0;
  // For the observer to be told.
  await turn();
  await turn();
}
console.log(collections);
