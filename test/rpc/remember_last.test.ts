import { expect, it } from "vitest";
import { rememberLast } from "../../src/rpc/remember_last.ts";

it("makes once what is asked for again and again, and anew what is asked for after something else", () => {
  const made: string[] = [];
  const last = rememberLast(({ name }: { readonly name: string }) => {
    made.push(name);
    return { of: name };
  });
  const [first, second] = [{ name: "first" }, { name: "second" }];

  expect(last(first)).toBe(last(first));
  expect(last(second)).toEqual({ of: "second" });
  expect(last(first)).toEqual({ of: "first" });
  expect(made).toEqual(["first", "second", "first"]);
});

it("takes equal objects for different ones", () => {
  const last = rememberLast((from: { readonly name: string }) => ({ from }));
  expect(last({ name: "same" })).not.toBe(last({ name: "same" }));
});

it("remembers nothing of a failure", () => {
  let failures = 1;
  const last = rememberLast(() => {
    if (failures-- > 0) throw new Error("not yet");
    return "made";
  });
  const asked = {};
  expect(() => last(asked)).toThrow("not yet");
  expect(last(asked)).toBe("made");
});
