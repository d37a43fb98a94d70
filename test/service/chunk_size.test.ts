import { expect, it } from "vitest";
import { ChunkSize, MOST_ITEMS } from "../../src/service/chunk_size.ts";

/** What a chunk comes to if each item takes `each` ms. */
function settled(each: number, isAlone: boolean, size = new ChunkSize()): ChunkSize {
  for (let turn = 0; turn < 10; turn += 1) size.adapt(size.items * each, isAlone);
  return size;
}

it("is what single commands can wait for", () => {
  expect(settled(0.05, false).items).toBe(80);
});

it("is larger where none come, and small again with the first that does", () => {
  const size = settled(0.05, true);
  expect(size.items).toBe(240);
  size.adapt(size.items * 0.05, false);
  expect(size.items).toBe(80);
});

it("stays within bounds, however fast or slow the disk is", () => {
  expect(settled(0.0001, true).items).toBe(MOST_ITEMS);
  expect(settled(50, false).items).toBe(50);
  const still = new ChunkSize();
  still.adapt(0, true);
  expect(still.items).toBe(MOST_ITEMS);
});
