// The fuzz run by hand and in CI. The same seed gives the same inputs; what they meet depends on those under way beside them.
//
//   npm run test:fuzz                                      200,000 inputs, with a new seed
//   npm run test:fuzz -- --seed 7 --inputs 5000            fewer, with this one
//   npm run test:fuzz -- --seed 7 --from 4711 --inputs 1   one of them again
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

// So that the server ends too.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    inputs: { type: "string", default: "200000" },
    from: { type: "string", default: "0" },
  },
});
const [seed, inputs, from] = [values.seed, values.inputs, values.from].map(Number);
if (seed === undefined || inputs === undefined || from === undefined || [seed, inputs, from].some(Number.isNaN)) {
  console.error("--seed, --inputs and --from take a number each");
  process.exit(2);
}

console.log(`fuzz: seed ${seed}, ${inputs} inputs from ${from}`);
const { counts, findings, measures, seconds } = await fuzz({
  seed,
  inputs,
  from,
  onProgress: (done) => console.log(`${done} inputs, ${Math.round(performance.now() / 1000)} s`),
});
console.log(
  `${seconds.toFixed(0)} s; ${Object.entries(counts)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(", ")}`,
);
for (const { before, after } of measures) {
  const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);
  console.log(`heap ${mib(before.heap)} → ${mib(after.heap)} MiB, open files ${before.files} → ${after.files}`);
}
for (const each of findings) console.error(each);
console.log(findings.length === 0 ? "nothing found" : `${findings.length} findings; again: --seed ${seed}`);
// Not left to the event loop: connections may still be ending.
process.exit(findings.length === 0 ? 0 : 1);
