import { expect, test } from "vitest";
import { readRate } from "../../bench/cross_check/read_rate.ts";

test("the rate that h2load prints", () => {
  const printed = "progress: 100% done\n\nfinished in 1.00s, 14203.00 req/s, 16.10MB/s\nrequests: 14203 total";
  expect(readRate("h2load", printed)).toBe(14_203);
});

test("the rate that wrk prints", () => {
  const printed = "  36932 requests in 1.00s, 95.52MB read\nRequests/sec:  36800.55\nTransfer/sec:     95.18MB";
  expect(readRate("wrk", printed)).toBe(36_800.55);
});

test("what prints no rate has none", () => {
  expect(readRate("wrk", "unable to connect to 127.0.0.1:1 Connection refused")).toBeNull();
});
