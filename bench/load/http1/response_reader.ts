/** The responses of an HTTP/1.1 connection, one after another, as far as a client of a benchmark meets them. */

/** Told of each response once it is whole. */
export type OnResponse = (status: number, body: Buffer) => void;

const NOTHING = Buffer.alloc(0);
const END_OF_HEAD = "\r\n\r\n";
/** A status line is "HTTP/1.1 200 …". */
const STATUS_AT = 9;

interface ResponseHead {
  readonly status: number;
  /** Null: the body comes in chunks. */
  readonly length: number | null;
}

/** Takes what a connection receives, in any pieces. Throws if that is no response. */
export function responseReader(onResponse: OnResponse): (chunk: Buffer) => void {
  let rest: Buffer = NOTHING;
  return (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const headEnd = bytes.indexOf(END_OF_HEAD);
      if (headEnd < 0) break;
      const { status, length } = readHead(bytes.toString("latin1", 0, headEnd + 2));
      const bodyAt = headEnd + END_OF_HEAD.length;
      const whole = length === null ? readChunks(bytes, bodyAt) : readLength(bytes, bodyAt, length);
      if (whole === null) break;
      bytes = bytes.subarray(whole.end);
      onResponse(status, whole.body);
    }
    rest = bytes;
  };
}

function readHead(head: string): ResponseHead {
  const status = Number(head.slice(STATUS_AT, STATUS_AT + 3));
  if (!head.startsWith("HTTP/1.1 ") || !(status >= 200)) throw new Error(`not a response: ${head.slice(0, 80)}`);
  const [, length] = /\r\ncontent-length: *(\d+)\r\n/i.exec(head) ?? [];
  if (length !== undefined) return { status, length: Number(length) };
  if (/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) return { status, length: null };
  if (status === 204) return { status, length: 0 };
  throw new Error(`a response that does not tell its length: ${head}`);
}

interface WholeBody {
  readonly body: Buffer;
  readonly end: number;
}

/** Null: not all of it is there. */
function readLength(bytes: Buffer, at: number, length: number): WholeBody | null {
  const end = at + length;
  return end > bytes.length ? null : { body: bytes.subarray(at, end), end };
}

function readChunks(bytes: Buffer, bodyAt: number): WholeBody | null {
  const chunks: Buffer[] = [];
  for (let at = bodyAt; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const chunkAt = lineEnd + 2;
    const end = chunkAt + size + 2;
    if (!(end <= bytes.length)) return null;
    if (size === 0) return { body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks), end };
    chunks.push(bytes.subarray(chunkAt, chunkAt + size));
    at = end;
  }
}
