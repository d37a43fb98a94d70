import { randomInt } from "node:crypto";
import { expect, it } from "vitest";
import { crashOverPostgres } from "./postgres_crash.ts";

const MINUTE = 60_000;

it(
  "replicas that die, stand still, and lose their connections or the database lose nothing that they answered, and leave nothing " +
    "running or stuck",
  async () => {
    const seed = randomInt(2 ** 31);

    const { findings, executions, cancels } = await crashOverPostgres({ seed, rounds: 6, longestPeace: 700 });

    expect(findings, `seed ${seed}`).toEqual([]);
    expect([executions > 10, cancels > 10]).toEqual([true, true]);
  },
  3 * MINUTE,
);
