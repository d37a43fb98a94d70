import { describe, expect, it } from "vitest";
import { fuzz } from "./fuzz.ts";

// The whole run is `npm run test:fuzz`, with another seed each time.
const SLICE = { seed: 1, inputs: 3_000, from: 0 };

describe("a server that is sent what no client would send", () => {
  it("lives, answers in the form of its doors, and keeps nothing of it", { timeout: 120_000 }, async () => {
    const { counts, findings } = await fuzz(SLICE);

    expect(findings).toEqual([]);
    // Otherwise chance would have made nothing that reaches a door.
    expect(counts.answered).toBeGreaterThan(SLICE.inputs / 2);
  });
});
