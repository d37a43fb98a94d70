/** Servers that close while calls are under way. */
import { describe, expect, it } from "vitest";
import type { Ask } from "./ask.ts";
import { CANCEL, cancel, type Is, OK, summaryOf } from "./cases/cancel.ts";
import { http1Client } from "./http1_client.ts";
import { http2Client } from "./http2_client.ts";
import { type Lane, openLane } from "./lane.ts";
import type { Mirror } from "./mirror.ts";
import { mirrorBackend } from "./mirror_backend.ts";
import type { Answer } from "./seen.ts";
import { ask, WIRES, type Wire } from "./wire.ts";

// Longer than any test: a test that waits for it hangs.
const LONG = 60_000;

const UNAVAILABLE: Is = { grpc: 14, http: "503 unavailable" };

/** Closes a server whose handler runs. Resolves with what becomes of the call. */
async function close(wire: Wire, lanes: boolean, shutdownGrace: number, processId: "waits" | "stuck") {
  const mirrors: Mirror[] = [];
  const lane = await openLane(
    mirrorBackend((mirror) => mirrors.push(mirror)),
    { lanes, shutdownGrace },
  );
  const [mirror] = mirrors;
  if (mirror === undefined) throw new Error("there is no mirror");
  const reached = mirror.reached();
  const answer = answerTo(lane, ask(wire, CANCEL, cancel(processId)));
  await reached;

  const closed = lane.close();
  mirror.release();

  const { summary, all } = await answer;
  await closed;
  const lines = lane.log.lines.map(({ msg, code, http_status, protocol }) => ({ msg, code, http_status, protocol }));
  return { summary, all, events: mirror.events, lines };
}

/** Of a client that asks nothing else. */
async function answerTo(lane: Lane, asked: Ask): Promise<Answer> {
  const nobody = (): Promise<void> => Promise.resolve();
  if (asked.over === "HTTP/2") {
    const client = await http2Client(lane.dial);
    return client.ask(asked, nobody).finally(() => client.close());
  }
  const client = http1Client(lane.dial);
  return client.ask(asked, nobody).finally(() => client.close());
}

describe.each(WIRES)("over %s, a server that closes", (wire) => {
  it.each([
    ["lets a call finish within the grace", LONG, "waits", OK],
    ["gives a call up that outlasts the grace", 1, "stuck", UNAVAILABLE],
  ] as const)("%s, in the same way in both lanes", async (_name, grace, processId, is) => {
    const ofLane = await close(wire, true, grace, processId);
    const ofConnect = await close(wire, false, grace, processId);

    expect(ofLane.summary).toBe(`${summaryOf(wire, is)}, closed`);
    expect(ofLane).toEqual(ofConnect);
  });
});
