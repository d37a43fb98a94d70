import { describe, expect, it } from "vitest";
import { accompanied, type Companion, mapped } from "../../src/rpc/accompanied.ts";

/** A companion that writes down what it hears. */
function listener(name: string, heard: string[], change: Companion = {}): Companion {
  return {
    onBegin: () => heard.push(`${name} begins`),
    onFailure: (cause) => {
      heard.push(`${name} hears of ${cause}`);
      return `${name}'s ${cause}`;
    },
    onComplete: () => heard.push(`${name} completes`),
    onOver: () => heard.push(`${name} is over`),
    ...change,
  };
}

async function* numbers(heard: string[], failure: string | null = null): AsyncGenerator<number> {
  try {
    yield 1;
    if (failure !== null) throw failure;
    yield 2;
  } finally {
    heard.push("source ends");
  }
}

async function readAll<T>(messages: AsyncIterable<T>, most = Number.POSITIVE_INFINITY): Promise<(T | string)[]> {
  const seen: (T | string)[] = [];
  try {
    for await (const message of messages) {
      seen.push(message);
      if (seen.length === most) break;
    }
  } catch (failure) {
    seen.push(`failed: ${failure}`);
  }
  return seen;
}

describe("a stream with companions", () => {
  it("gives its messages and its end; the inner companion hears of the end first", async () => {
    const heard: string[] = [];
    const inner = accompanied(numbers(heard), listener("inner", heard));

    const seen = await readAll(accompanied(inner, listener("outer", heard)));

    expect(seen).toEqual([1, 2]);
    expect(heard).toEqual([
      "outer begins",
      "inner begins",
      "source ends",
      "inner completes",
      "outer completes",
      "inner is over",
      "outer is over",
    ]);
  });

  it("fails with what the companions make of it, from the inside out", async () => {
    const heard: string[] = [];
    const inner = accompanied(numbers(heard, "fault"), listener("inner", heard));

    const seen = await readAll(accompanied(inner, listener("outer", heard)));

    expect(seen).toEqual([1, "failed: outer's inner's fault"]);
    expect(heard.slice(-2)).toEqual(["inner is over", "outer is over"]);
  });

  it("lets its source go when the reader leaves", async () => {
    const heard: string[] = [];

    const seen = await readAll(accompanied(numbers(heard), listener("one", heard)), 1);

    expect(seen).toEqual([1]);
    expect(heard).toEqual(["one begins", "one is over", "source ends"]);
  });

  it("never begins if a companion objects, and tells only those outside of it", async () => {
    const heard: string[] = [];
    const onBegin = (): void => {
      throw "objection";
    };
    const inner = accompanied(numbers(heard), listener("inner", heard, { onBegin }));

    const seen = await readAll(accompanied(inner, listener("outer", heard)));

    expect(seen).toEqual(["failed: outer's objection"]);
    expect(heard).toEqual(["outer begins", "outer hears of objection", "outer is over"]);
  });

  it("fails if a companion does not take its end for one", async () => {
    const heard: string[] = [];
    const onComplete = (): void => {
      throw "too early";
    };
    const inner = accompanied(numbers(heard), listener("inner", heard, { onComplete }));

    const seen = await readAll(accompanied(inner, listener("outer", heard)));

    expect(seen).toEqual([1, 2, "failed: outer's too early"]);
    expect(heard.slice(-2)).toEqual(["inner is over", "outer is over"]);
  });

  it("fails, and lets its source go, if a message can't be mapped", async () => {
    const heard: string[] = [];
    const failing = mapped(numbers(heard), (): string => {
      throw "unmapped";
    });

    const seen = await readAll(accompanied(failing, listener("one", heard)));

    expect(seen).toEqual(["failed: one's unmapped"]);
    expect(heard).toEqual(["one begins", "one hears of unmapped", "one is over", "source ends"]);
  });
});
