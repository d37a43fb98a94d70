import fc from "fast-check";
import { expect, it } from "vitest";
import { Bag } from "../../src/service/bag.ts";

it("has what was added and not taken out, in whatever order that happens, also twice", () => {
  const steps = fc.array(fc.oneof(fc.constant("add"), fc.nat({ max: 20 })), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (all) => {
      const [bag, expected] = [new Bag<number>(), new Set<number>()];
      const removals: (() => void)[] = [];
      for (const step of all) {
        if (step === "add") {
          const value = removals.length;
          removals.push(bag.add(value));
          expected.add(value);
        } else {
          removals[step]?.();
          expected.delete(step);
        }
        expect(new Set(bag.values())).toEqual(expected);
        expect(bag.size).toBe(expected.size);
      }
    }),
  );
});
