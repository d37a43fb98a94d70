import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refused } from "../../src/domain/refusal.ts";
import { createCallCounts } from "../../src/gate/call_counts.ts";
import { ANONYMOUS, type Identity, type RateLimit } from "../../src/gate/identity.ts";
import { networkOf } from "../../src/gate/network_of.ts";
import { createRateLimits, DEFAULT_FAILURES, type RateLimitOptions } from "../../src/gate/rate_limits.ts";

const ADDRESS = "192.0.2.7";
const THREE_A_SECOND: RateLimit = { calls: 3, period: 1_000 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function limits(options: Partial<RateLimitOptions> = {}, maxCounted?: number) {
  return createRateLimits(
    { perKey: null, perAddress: null, failures: DEFAULT_FAILURES, ...options },
    createCallCounts(maxCounted),
  );
}

function identity(principal: string, rateLimit: RateLimit | null = null): Identity {
  return { ...ANONYMOUS, principal, rateLimit };
}

/** The metadata of the refusal, or "entered". */
async function outcomeOf(call: Promise<unknown>): Promise<Readonly<Record<string, string>> | "entered"> {
  try {
    await call;
    return "entered";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    expect(error.refusal.reason).toBe("rate_limited");
    return error.refusal.metadata;
  }
}

async function times(count: number, call: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += 1) await call();
}

describe("a caller", () => {
  it("is not limited where no limit is set", async () => {
    const { enter } = limits();
    await times(1_000, () => enter(identity("a"), ADDRESS));
    expect(await enter(identity("a"), ADDRESS)).toBeNull();
  });

  it("is refused beyond the server's limit, and told when to come back", async () => {
    const { enter } = limits({ perKey: THREE_A_SECOND });
    await times(3, () => enter(identity("a"), ADDRESS));
    await vi.advanceTimersByTimeAsync(300);

    const refused = await outcomeOf(enter(identity("a"), ADDRESS));

    expect(refused).toEqual({ name: "key", limit: "3", period: "1", remaining: "0", reset: "1" });
  });

  it("may call again in the next period", async () => {
    const { enter } = limits({ perKey: THREE_A_SECOND });
    await times(3, () => enter(identity("a"), ADDRESS));
    await vi.advanceTimersByTimeAsync(1_000);

    expect(await outcomeOf(enter(identity("a"), ADDRESS))).toBe("entered");
  });

  it("has the limit of its own key, if that has one", async () => {
    const { enter } = limits({ perKey: THREE_A_SECOND });
    const own = identity("a", { calls: 1, period: 60_000 });
    await enter(own, ADDRESS);

    const refused = await outcomeOf(enter(own, ADDRESS));

    expect(refused).toMatchObject({ limit: "1", period: "60", reset: "60" });
  });

  it("does not use up what others have", async () => {
    const { enter } = limits({ perKey: THREE_A_SECOND });
    await times(3, () => enter(identity("a"), ADDRESS));

    expect(await outcomeOf(enter(identity("b"), ADDRESS))).toBe("entered");
    expect(await outcomeOf(enter({ ...identity("a"), tenant: "other" }, ADDRESS))).toBe("entered");
  });

  it("learns where it stands with the limit that is nearest", async () => {
    const { enter } = limits({ perKey: THREE_A_SECOND, perAddress: { calls: 2, period: 10_000 } });

    const standing = await enter(identity("a"), ADDRESS);

    expect(standing).toEqual({ name: "address", limit: 2, period: 10_000, remaining: 1, reset: 10_000 });
  });
});

describe("an address", () => {
  it("is refused beyond its limit, whoever calls from it", async () => {
    const { enter } = limits({ perAddress: THREE_A_SECOND });
    await times(3, () => enter(identity("a"), ADDRESS));

    expect(await outcomeOf(enter(identity("b"), ADDRESS))).toMatchObject({ name: "address", limit: "3" });
    expect(await outcomeOf(enter(identity("b"), "192.0.2.8"))).toBe("entered");
  });

  it("is counted with its /64 network", async () => {
    const { enter } = limits({ perAddress: THREE_A_SECOND });
    await enter(identity("a"), "2001:db8:0:1::1");
    await enter(identity("a"), "2001:db8:0:1:ffff::2");
    await enter(identity("a"), "2001:DB8::1:0:0:0:3");

    expect(await outcomeOf(enter(identity("a"), "2001:db8:0:1::4"))).toMatchObject({ name: "address" });
    expect(await outcomeOf(enter(identity("a"), "2001:db8:0:2::1"))).toBe("entered");
  });

  it.each([
    ["::1", "0:0:0:0"],
    ["2001:db8::", "2001:db8:0:0"],
    ["2001:0db8:0:0:1:2:3:4", "2001:db8:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["64:ff9b::192.0.2.7", "64:ff9b:0:0"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["192.0.2.7", "192.0.2.7"],
    ["not an address", "not an address"],
  ])("%s belongs to %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe("failed authentications", () => {
  it("are refused as such up to the limit, and then as too many", async () => {
    const { failed } = limits({ failures: THREE_A_SECOND });
    await times(3, () => failed(ADDRESS));

    expect(await outcomeOf(failed(ADDRESS))).toMatchObject({ name: "address", limit: "3" });
    expect(await outcomeOf(failed("192.0.2.8"))).toBe("entered");
  });

  it("take nothing from those who show good credentials at the same address", async () => {
    const { enter, failed } = limits({ failures: THREE_A_SECOND, perAddress: THREE_A_SECOND });
    await times(3, () => failed(ADDRESS));
    await outcomeOf(failed(ADDRESS));

    expect(await outcomeOf(enter(identity("a"), ADDRESS))).toBe("entered");
  });
});

describe("a flood of addresses", () => {
  it("is counted in bounded memory, and still limited", async () => {
    const { enter } = limits({ perAddress: THREE_A_SECOND }, 100);
    await enter(identity("a"), ADDRESS);
    const flood = (round: number) => Array.from({ length: 5_000 }, (_, n) => `10.${round}.${n >> 8}.${n & 255}`);
    const timersBefore = vi.getTimerCount();

    const outcomes = await Promise.all(flood(1).map((address) => outcomeOf(enter(identity("a"), address))));

    // Each count is one timer; 100 have one of their own, the others share 1024.
    expect(vi.getTimerCount() - timersBefore).toBeLessThanOrEqual(100 + 1024);
    expect(outcomes.filter((outcome) => outcome === "entered").length).toBeLessThanOrEqual(100 + 3 * 1024);
  });

  it("takes nothing from an address that was there before", async () => {
    const { enter } = limits({ perAddress: THREE_A_SECOND }, 1);
    await enter(identity("a"), ADDRESS);
    for (let n = 0; n < 5_000; n += 1) await outcomeOf(enter(identity("a"), `10.0.${n >> 8}.${n & 255}`));

    expect(await enter(identity("a"), ADDRESS)).toMatchObject({ remaining: 1 });
  });
});
