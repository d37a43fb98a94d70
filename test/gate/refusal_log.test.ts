import { describe, expect, it } from "vitest";
import { type AuditEntry, RefusalLog } from "../../src/gate/refusal_log.ts";

const REFUSED: AuditEntry = {
  tenant: "default",
  action: "CancelProcess",
  principal: "key:ops",
  name: "ops",
  address: "192.0.2.7",
  requestId: "r-1",
  requestedBy: "",
  execution: { kind: "process", id: "p-1" },
  reason: "",
  outcome: "PERMISSION_DENIED",
  message: "the caller lacks the scope cancel:process",
  cancellationId: "",
  count: 1,
};

function openLog() {
  const written: AuditEntry[][] = [];
  const faults: unknown[] = [];
  const log = new RefusalLog({
    log: {
      append: async (entries) => {
        written.push([...entries]);
      },
    },
    now: () => 1,
    onFault: (error) => faults.push(error),
  });
  return { log, written, faults };
}

describe("the log of refusals", () => {
  it("has written a refusal when it says so", async () => {
    const { log, written } = openLog();

    await log.add(REFUSED);

    expect(written).toEqual([[REFUSED]]);
  });

  it("counts the same refusals of a burst as one, and keeps others apart", async () => {
    const { log, written } = openLog();
    const other = { ...REFUSED, address: "198.51.100.1" };

    await Promise.all([log.add(REFUSED), log.add({ ...REFUSED, requestId: "r-2" }), log.add(other)]);

    expect(written).toEqual([[{ ...REFUSED, requestId: "r-2", count: 2 }, other]]);
  });

  it("counts a flood of made-up ids as one, so that it can't fill the memory", async () => {
    const { log, written } = openLog();
    for (let n = 0; n < 5_000; n += 1) log.addLater({ ...REFUSED, execution: { kind: "process", id: `p-${n}` } });

    await log.close();

    const [entries = []] = written;
    expect(entries).toHaveLength(1_001);
    expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
    expect(entries.at(-1)).toMatchObject({ execution: null, count: 4_000, outcome: "PERMISSION_DENIED" });
  });

  it("writes what may wait at the latest when it is closed", async () => {
    const { log, written } = openLog();
    log.addLater(REFUSED);
    expect(written).toEqual([]);

    await log.close();

    expect(written).toEqual([[REFUSED]]);
  });

  it("lets a refusal stand that can't be written, and tells of it", async () => {
    const faults: unknown[] = [];
    const broken = new Error("disk full");
    const log = new RefusalLog({
      log: { append: () => Promise.reject(broken) },
      now: () => 1,
      onFault: (error) => faults.push(error),
    });

    await log.add(REFUSED);

    expect(faults).toEqual([broken]);
  });
});
