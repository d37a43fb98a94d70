/** Two servers that differ in nothing but the way that their unary calls take: the lane's, and Connect's. */
import type { Logger } from "pino";
import { expect } from "vitest";
import type { PortOptions } from "../../../src/server/port.ts";
import type { Backend } from "./backend.ts";
import type { Case } from "./case.ts";
import { type Lane, openLane } from "./lane.ts";

/** No answer, or one that blames the server. */
const FAULT = /grpc (2|13|15)\b|\b500\b|reset|closed/;

export interface LanePair {
  readonly lane: Lane;
  readonly connect: Lane;
  /** Fails unless both answer the same, log the same, and are the same afterwards. One case at a time. */
  compare(one: Case): Promise<void>;
  close(): Promise<void>;
}

/** @param ca who signed their certificate, if they serve over TLS */
export async function openLanePair(
  backendOf: (logger: Logger) => Promise<Backend>,
  change: Partial<PortOptions> = {},
  ca?: string,
): Promise<LanePair> {
  const lane = await openLane(backendOf, { ...change, lanes: true }, ca);
  const connect = await openLane(backendOf, { ...change, lanes: false }, ca);
  return {
    lane,
    connect,
    async compare(one) {
      const [ofLane, ofConnect] = await Promise.all([lane.outcomeOf(one), connect.outcomeOf(one)]);
      if (one.is === undefined) expect(ofLane.summary).not.toMatch(FAULT);
      else expect({ lane: ofLane.summary, connect: ofConnect.summary }).toEqual({ lane: one.is, connect: one.is });
      if (one.races === true) expect(ofLane.summary).toBe(ofConnect.summary);
      else expect(ofLane).toEqual(ofConnect);
    },
    async close() {
      await Promise.all([lane.close(), connect.close()]);
    },
  };
}
