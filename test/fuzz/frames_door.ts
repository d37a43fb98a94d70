/** Frames of HTTP/2, one by one: right ones, spoilt ones, and noise. */
import { connect, type Socket } from "node:net";
import { FLAG, FRAME, frame, headerBlock, hello, readFrames } from "../server/h2_frames.ts";
import type { Call } from "./calls.ts";
import { CUT, finding, type Outcome } from "./outcome.ts";
import type { Random } from "./random.ts";
import { spoil } from "./values.ts";

export interface FramesDoor {
  /** Sends the frames of one call, or what chance has made of them. */
  send(random: Random, call: Call): Promise<Outcome>;
  close(): void;
}

const INPUTS_OF_A_CONNECTION = 20;
const PONG_MS = 60;
const PING = frame(FRAME.ping, 0, 0, Buffer.from("are you "));

export function framesDoor(port: number): FramesDoor {
  let socket: Socket | undefined;
  let received: Buffer[] = [];
  let sent = 0;

  const open = (): Socket => {
    if (socket?.writable === true) return socket;
    received = [];
    sent = 0;
    socket = connect(port, "127.0.0.1");
    socket.on("error", () => {}).on("data", (chunk: Buffer) => received.push(chunk));
    socket.write(hello());
    return socket;
  };
  const drop = (): void => {
    socket?.resetAndDestroy();
    socket = undefined;
  };

  return {
    async send(random, call) {
      const connection = open();
      sent += 1;
      connection.write(someFrames(random, call, 2 * sent - 1));
      if (sent < INPUTS_OF_A_CONNECTION && connection.writable) return { kind: "answered" };
      connection.write(PING);
      await pongOrEnd(connection, () => Buffer.concat(received));
      const fault = faultOfFrames(Buffer.concat(received));
      drop();
      return fault === null ? CUT : finding(fault);
    },
    close: drop,
  };
}

function someFrames(random: Random, { method, path, headers, body }: Call, stream: number): Buffer {
  const all = [
    [":method", method],
    [":scheme", "http"],
    [":authority", "localhost"],
    [":path", path],
  ] as const;
  const block = headerBlock([...all, ...Object.entries(headers)]);
  const end = body.length === 0 ? FLAG.endStream : 0;
  const whole = [
    frame(FRAME.headers, FLAG.endHeaders | end, stream, random.chance(0.2) ? spoil(random, block) : block),
    ...(end === 0 ? [frame(FRAME.data, FLAG.endStream, stream, body.subarray(0, 16_000))] : []),
  ];
  switch (random.int(6)) {
    case 0:
      return Buffer.concat(whole);
    case 1:
      return spoil(random, Buffer.concat(whole));
    case 2:
      return Buffer.concat([...whole, someFrame(random, stream)]);
    case 3:
      return Buffer.concat([someFrame(random, stream), ...whole]);
    case 4:
      return Buffer.concat(whole.toReversed());
    default:
      return someFrame(random, stream);
  }
}

function someFrame(random: Random, stream: number): Buffer {
  const payload = random.bytes(random.pick([0, 1, 4, 5, 6, 8, 12, 40]));
  const onStream = random.pick([0, 0, stream, stream, stream - 2, 2, 2 ** 31 - 1]);
  return frame(random.pick([...Object.values(FRAME), 10, 16, 255]), random.int(256), Math.max(0, onStream), payload);
}

/** Resolves when the server has answered the PING, has ended the connection, or waits for more of a frame. */
function pongOrEnd(socket: Socket, received: () => Buffer): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      socket.off("data", onData).off("close", done);
      resolve();
    };
    const onData = (): void => {
      const { frames } = readFrames(received());
      if (frames.some(({ type, flags }) => type === FRAME.ping && (flags & FLAG.ack) !== 0)) done();
    };
    const timer = setTimeout(done, PONG_MS);
    socket.on("data", onData).on("close", done);
    if (socket.destroyed) done();
  });
}

const INTERNAL_ERROR = 2;
const MAX_FRAME = 16_384;

/** The server may end anything, but not for a fault of its own, and all it sends must be frames. */
function faultOfFrames(bytes: Buffer): string | null {
  if (bytes.subarray(0, 5).toString() === "HTTP/") return null;
  const { frames, rest } = readFrames(bytes);
  for (const { type, stream, payload } of frames) {
    if (type > FRAME.continuation || payload.length > MAX_FRAME)
      return `a frame of type ${type}, ${payload.length} bytes`;
    if (type === FRAME.rstStream && payload.readUInt32BE(0) === INTERNAL_ERROR)
      return `stream ${stream}: INTERNAL_ERROR`;
  }
  return rest.length >= 9 && rest.readUIntBE(0, 3) > MAX_FRAME ? "a frame that is too large" : null;
}
