import { randomInt } from "node:crypto";
import { expect, it } from "vitest";
import { crashOverSqlite } from "./sqlite_crash.ts";

const MINUTE = 60_000;

it(
  "a server on SQLite that is killed again and again loses nothing that it answered, and leaves nothing running or stuck",
  async () => {
    const seed = randomInt(2 ** 31);

    const { findings, executions, cancels } = await crashOverSqlite({ seed, rounds: 8, longestPeace: 700 });

    expect(findings, `seed ${seed}`).toEqual([]);
    expect([executions > 10, cancels > 10]).toEqual([true, true]);
  },
  3 * MINUTE,
);
