/** The connection of an HTTP/2 client, with an ear to the frames that come. */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { FLAG, FRAME, type Frame, readFrames } from "../h2_frames.ts";

export interface FrameTap {
  /** For the client. */
  readonly connection: Duplex;
  /** What came for a stream, without what its flow control takes: "HEADERS", "DATA", "HEADERS, end", "RST_STREAM 8". */
  framesOf(stream: number): readonly string[];
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [FRAME.data, "DATA"],
  [FRAME.headers, "HEADERS"],
  [FRAME.rstStream, "RST_STREAM"],
]);

export function tapFrames(socket: Socket): FrameTap {
  const frames: Frame[] = [];
  let rest = Buffer.alloc(0);
  const connection = new Duplex({
    // Null, once the end has come; the last write of a client may find the connection gone, which its streams tell.
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, () => done()),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk: Buffer) => {
    const read = readFrames(Buffer.concat([rest, chunk]));
    frames.push(...read.frames);
    rest = Buffer.from(read.rest);
    if (!connection.push(chunk)) socket.pause();
  });
  socket.on("end", () => connection.push(null));
  socket.on("close", () => connection.destroy());
  return {
    connection,
    framesOf: (stream) => joined(frames.filter((frame) => frame.stream === stream && NAMES.has(frame.type))),
  };
}

/** How a body is cut into frames is nobody's business: DATA stands once, however many there were. */
function joined(frames: readonly Frame[]): string[] {
  const names: string[] = [];
  for (const { type, flags, payload } of frames) {
    const isEnd = type !== FRAME.rstStream && (flags & FLAG.endStream) !== 0;
    const reset = type === FRAME.rstStream ? ` ${payload.readUInt32BE(0)}` : "";
    if (names.at(-1) === "DATA" && type === FRAME.data) names.pop();
    names.push(`${NAMES.get(type)}${reset}${isEnd ? ", end" : ""}`);
  }
  return names;
}
