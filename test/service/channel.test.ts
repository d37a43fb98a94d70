import { describe, expect, it } from "vitest";
import { Channel } from "../../src/service/channel.ts";

function channelOf(items: number, bytes = Number.POSITIVE_INFINITY): Channel<string> {
  return new Channel({ items, bytes, bytesOf: (text) => text.length });
}

/** What the reader gets, and the reason if it is dropped. */
async function readAll(channel: Channel<string>): Promise<{ items: string[]; failure: unknown }> {
  const items: string[] = [];
  try {
    for await (const item of channel) items.push(item);
    return { items, failure: null };
  } catch (failure) {
    return { items, failure };
  }
}

describe("a channel", () => {
  it("gives its reader what was pushed, in order, and then the end", async () => {
    const channel = channelOf(10);
    const reading = readAll(channel);
    channel.push("a");
    channel.push("b");
    await Promise.resolve();
    channel.push("c");
    channel.close();

    expect(await reading).toEqual({ items: ["a", "b", "c"], failure: null });
  });

  it("keeps as many items as it may, and drops the reader at one more", async () => {
    const kept = channelOf(3);
    for (const item of ["a", "b", "c"]) kept.push(item);
    kept.close();
    const dropped = channelOf(3);
    for (const item of ["a", "b", "c", "d"]) dropped.push(item);

    expect(await readAll(kept)).toEqual({ items: ["a", "b", "c"], failure: null });
    expect(await readAll(dropped)).toMatchObject({ items: [], failure: { refusal: { reason: "watcher_too_slow" } } });
  });

  it("keeps as many bytes as it may, behind the item that comes next", async () => {
    const kept = channelOf(1_000, 10);
    for (const item of ["xxxxxxxxxxxxxxxxxxxx", "xxxxx", "xxxxx"]) kept.push(item);
    kept.close();
    const dropped = channelOf(1_000, 10);
    for (const item of ["x", "xxxxx", "xxxxx", "x"]) dropped.push(item);

    expect((await readAll(kept)).items).toHaveLength(3);
    expect(await readAll(dropped)).toMatchObject({ items: [], failure: { refusal: { reason: "watcher_too_slow" } } });
  });

  it("counts what is read no more", async () => {
    const channel = channelOf(2, 10);
    const reader = channel[Symbol.asyncIterator]();
    for (let round = 0; round < 100; round += 1) {
      channel.push("xxxxx");
      channel.push("xxxxx");
      await reader.next();
      await reader.next();
    }
    channel.close();

    expect(await reader.next()).toMatchObject({ done: true });
  });

  it("drops a reader that stopped in the middle", async () => {
    const channel = channelOf(2);
    const reader = channel[Symbol.asyncIterator]();
    channel.push("a");
    expect(await reader.next()).toEqual({ value: "a", done: false });
    for (const item of ["b", "c", "d"]) channel.push(item);

    await expect(reader.next()).rejects.toMatchObject({ refusal: { reason: "watcher_too_slow" } });
  });
});
