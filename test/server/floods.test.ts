import { once } from "node:events";
import { connect, constants } from "node:http2";
import { connect as connectTls } from "node:tls";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Limits } from "../../src/server/limits.ts";
import { openTls } from "../../src/server/tls.ts";
import { attack, attackOn, bystander, repeat } from "./attack.ts";
import { createAuthority } from "./certificate_authority.ts";
import { FLAG, FRAME, frame, headerBlock, hello, readFrames, request } from "./h2_frames.ts";
import { CANCEL_PROCESS, cancelProcess, openPort } from "./port_under_test.ts";
import { filesOf } from "./tls_under_test.ts";

const CALM = constants.NGHTTP2_ENHANCE_YOUR_CALM;
const GRPC = [["content-type", "application/grpc"]] as const;
const RESET = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);

// Little of what only a flood has much of, so that few frames are one.
const SMALL = {
  controlFrames: { burst: 100, perSecond: 1 },
  overheadBytes: { burst: 20_000, perSecond: 1 },
  streamResets: { burst: 20, perSecond: 1 },
  maxConcurrentStreams: 10,
} satisfies Partial<Limits>;

const START = Buffer.concat([hello(), request(1, CANCEL_PROCESS, GRPC)]);
const ping = frame(FRAME.ping, 0, 0, Buffer.alloc(8));

function isFloodLine({ msg }: { readonly msg: string }): boolean {
  return msg.includes("floods");
}

/** Streams that are opened, and given up or spoilt at once. */
function* spoiltStreams(count: number, spoil: (stream: number) => Buffer): Iterable<Buffer> {
  for (let stream = 1; stream < count * 2; stream += 2) {
    yield Buffer.concat([request(stream, CANCEL_PROCESS, GRPC), spoil(stream)]);
  }
}

const FLOODS: readonly [name: string, first: Buffer, flood: () => Iterable<Buffer>][] = [
  ["PING frames", hello(), () => repeat(ping, 3_000)],
  ["acknowledgements of no PING", hello(), () => repeat(frame(FRAME.ping, FLAG.ack, 0, Buffer.alloc(8)), 3_000)],
  ["SETTINGS frames", hello(), () => repeat(frame(FRAME.settings, 0, 0), 3_000)],
  [
    "SETTINGS frames with a hundred settings",
    hello(),
    () => repeat(frame(FRAME.settings, 0, 0, Buffer.alloc(600)), 3_000),
  ],
  ["acknowledgements of no SETTINGS", hello(), () => repeat(frame(FRAME.settings, FLAG.ack, 0), 3_000)],
  [
    "WINDOW_UPDATE frames",
    hello(),
    () => repeat(frame(FRAME.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1])), 1_000_000),
  ],
  ["PRIORITY frames", hello(), () => repeat(frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 3, 1])), 1_000_000)],
  ["frames of no known type", hello(), () => repeat(frame(0x77, 0, 0, Buffer.alloc(8)), 1_000_000)],
  ["empty DATA frames", START, () => repeat(frame(FRAME.data, 0, 1), 1_000_000)],
  [
    "DATA frames of nothing but padding",
    START,
    () => repeat(frame(FRAME.data, FLAG.padded, 1, Buffer.of(0)), 1_000_000),
  ],
  [
    "CONTINUATION frames",
    Buffer.concat([hello(), request(1, CANCEL_PROCESS, GRPC, 0)]),
    () => repeat(frame(FRAME.continuation, 0, 1, headerBlock([["a", "b"]])), 3_000),
  ],
  [
    "empty CONTINUATION frames",
    Buffer.concat([hello(), request(1, CANCEL_PROCESS, GRPC, 0)]),
    () => repeat(frame(FRAME.continuation, 0, 1), 3_000),
  ],
  [
    "resets of what it just asked for (CVE-2023-44487)",
    hello(),
    () => spoiltStreams(3_000, (stream) => frame(FRAME.rstStream, 0, stream, RESET)),
  ],
  [
    "requests that the server must reset (CVE-2025-8671)",
    hello(),
    () => spoiltStreams(3_000, (stream) => frame(FRAME.windowUpdate, 0, stream, Buffer.alloc(4))),
  ],
  ["more streams than it may open", hello(), () => spoiltStreams(3_000, () => Buffer.alloc(0))],
];

describe("an HTTP/2 client is cut off, and others are served, when it floods with", () => {
  it.each(FLOODS)("%s", async (_name, first, flood) => {
    const port = await openPort({ limits: SMALL });
    const other = await bystander(port);

    await attack(port, first, flood()).cutOff;

    await other.isServed();
  });

  it.each([FLOODS[0]!, FLOODS[5]!])("%s, over TLS", async (_name, first, flood) => {
    const authority = await createAuthority();
    const files = filesOf(await authority.issue({ commonName: "server" }));
    const tls = await openTls(files, { logger: pino({ level: "silent" }) });
    onTestFinished(() => tls.close());
    const ca = authority.cert;
    const port = await openPort({ tls, limits: SMALL });
    const other = await bystander(port, ca);
    const socket = connectTls({ port: port.address.port, host: "127.0.0.1", ca, ALPNProtocols: ["h2"] });
    await once(socket, "secureConnect");

    await attackOn(socket, first, flood()).cutOff;

    await other.isServed();
  });

  it("PING frames, and reads none of the answers", async () => {
    const port = await openPort({ limits: SMALL });
    const other = await bystander(port);
    const { socket, cutOff } = attack(port, hello(), repeat(ping, 100_000));
    socket.pause();
    await port.logged(isFloodLine);

    await other.isServed();

    socket.resume();
    await cutOff;
  });
});

describe("an HTTP/2 client that has much to say", () => {
  it("is served: bodies are no flood", async () => {
    const port = await openPort({ limits: SMALL });
    const session = connect(port.url);
    onTestFinished(() => session.destroy());
    const body = JSON.stringify(cancelProcess("p-1", { reason: "x".repeat(500_000) }));

    // Longer than the meter takes to look twice.
    for (const end = performance.now() + 1_200; performance.now() < end; ) {
      const stream = session.request({
        ":method": "POST",
        ":path": CANCEL_PROCESS,
        "content-type": "application/json",
      });
      stream.end(body);
      const [answer] = await once(stream.resume(), "response");
      expect(answer[":status"]).toBe(422);
    }

    expect(session.closed).toBe(false);
  });
});

describe("an HTTP/2 client that floods", () => {
  it("is told to calm down", async () => {
    const port = await openPort({ limits: SMALL });

    const { frames } = readFrames(await attack(port, hello(), repeat(ping, 3_000)).cutOff);

    const farewell = frames.findLast(({ type }) => type === FRAME.goaway);
    expect(farewell?.payload.readUInt32BE(4)).toBe(CALM);
  });

  it("stands in the log with its address", async () => {
    const port = await openPort({ limits: SMALL });

    await attack(port, hello(), repeat(ping, 3_000)).cutOff;

    expect(await port.logged(isFloodLine)).toMatchObject({ address: "127.0.0.1", flood: "PING and SETTINGS frames" });
  });
});
