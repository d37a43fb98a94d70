import { describe, expect, it } from "vitest";
import { API_KEY_PATTERN, isWellFormed, mintApiKey } from "../../src/gate/api_key.ts";

describe("a key that Belay makes", () => {
  it("is known by its form, and is another one each time", () => {
    const keys = Array.from({ length: 200 }, mintApiKey);

    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) {
      expect(key).toMatch(API_KEY_PATTERN);
      expect(isWellFormed(key)).toBe(true);
    }
  });

  it("is told from one that was mistyped or cut off, without asking anybody", () => {
    const key = mintApiKey();
    const flipped = key.slice(0, 20) + (key.charAt(20) === "a" ? "b" : "a") + key.slice(21);

    expect(isWellFormed(flipped)).toBe(false);
    expect(isWellFormed(key.slice(0, -1))).toBe(false);
    expect(isWellFormed(`${key}0`)).toBe(false);
  });
});
