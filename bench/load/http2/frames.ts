/** The frames of HTTP/2 (RFC 9113, section 4), as far as a client of a benchmark meets them. */

export const FRAME = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = { endStream: 1, acknowledged: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

/** Length, type, flags and stream: what comes before every payload. */
export const FRAME_HEAD_LENGTH = 9;

const NOTHING = Buffer.alloc(0);

export function frameOf(type: number, flags: number, stream: number, payload: Uint8Array = NOTHING): Buffer {
  const framed = Buffer.alloc(FRAME_HEAD_LENGTH + payload.length);
  framed.writeUIntBE(payload.length, 0, 3);
  framed[3] = type;
  framed[4] = flags;
  framed.writeUInt32BE(stream, 5);
  framed.set(payload, FRAME_HEAD_LENGTH);
  return framed;
}

/** Told of each frame once it is whole. The payload is a view into what was received. */
export type OnFrame = (type: number, flags: number, stream: number, payload: Buffer) => void;

/** Takes what a connection receives, in any pieces, and tells its frames. */
export function frameReader(onFrame: OnFrame): (chunk: Buffer) => void {
  let rest: Buffer = NOTHING;
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEAD_LENGTH) {
      const end = at + FRAME_HEAD_LENGTH + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const [type = 0, flags = 0] = bytes.subarray(at + 3, at + 5);
      onFrame(type, flags, bytes.readUInt32BE(at + 5) & 0x7fff_ffff, bytes.subarray(at + FRAME_HEAD_LENGTH, end));
      at = end;
    }
    rest = at === bytes.length ? NOTHING : bytes.subarray(at);
  };
}

/** The content of a DATA or HEADERS frame, without padding and priority. */
export function contentOf(type: number, flags: number, payload: Buffer): Buffer {
  if ((flags & (FLAG.padded | FLAG.priority)) === 0) return payload;
  const padding = flags & FLAG.padded ? (payload[0] ?? 0) : 0;
  const start = (flags & FLAG.padded ? 1 : 0) + (type === FRAME.headers && flags & FLAG.priority ? 5 : 0);
  return payload.subarray(start, payload.length - padding);
}
