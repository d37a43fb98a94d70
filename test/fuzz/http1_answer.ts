/** Reads the answers of HTTP/1.1 as strictly as the server has to write them. */
import type { Answer } from "./answers.ts";

export interface ReadAnswers {
  readonly answers: readonly Answer[];
  /** What has come of the next one. */
  readonly rest: Buffer;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const HEADER_LINE = /^([!#$%&'*+.^_`|~\w-]+): ?([\t\x20-\x7e\x80-\xff]*)$/;

/** Throws an Error if what came is no HTTP/1.1. `methods` are those of the requests: a HEAD is answered without the body it tells of. */
export function readHttp1(bytes: Buffer, methods: readonly string[] = []): ReadAnswers {
  const answers: Answer[] = [];
  let rest = bytes;
  for (;;) {
    const read = readOne(rest, methods[answers.length] ?? "");
    if (read === null) return { answers, rest };
    rest = rest.subarray(read.length);
    // "100 Continue" announces the answer, and is none.
    if (read.answer.status >= 200) answers.push(read.answer);
  }
}

function readOne(bytes: Buffer, method: string): { readonly answer: Answer; readonly length: number } | null {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return null;
  const [statusLine = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*$/.exec(statusLine)?.[1]);
  if (!(status >= 100)) throw new Error(`no status line: ${JSON.stringify(statusLine.slice(0, 100))}`);
  const headers = Object.fromEntries(lines.map(readHeader));
  const start = headEnd + HEAD_END.length;
  const body = method === "HEAD" || status < 200 || status === 204 ? EMPTY : readBody(bytes.subarray(start), headers);
  if (body === null) return null;
  return { answer: { status, headers, ...body }, length: start + body.length };
}

const EMPTY = { body: Buffer.alloc(0), trailers: {}, length: 0 };

function readHeader(line: string): [string, string] {
  const [, name, value] = HEADER_LINE.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`no header: ${JSON.stringify(line.slice(0, 100))}`);
  return [name.toLowerCase(), value];
}

function readBody(bytes: Buffer, headers: Readonly<Record<string, string>>) {
  if (headers["transfer-encoding"] === "chunked") return readChunks(bytes);
  // To a client of HTTP/1.0, which chance can make of any, the end of the connection is the end of the answer.
  if (headers["content-length"] === undefined && headers["connection"] === "close") {
    return { body: bytes, trailers: {}, length: bytes.length };
  }
  const length = Number(headers["content-length"] ?? Number.NaN);
  if (!Number.isSafeInteger(length)) throw new Error("neither a length nor chunks");
  return bytes.length < length ? null : { body: bytes.subarray(0, length), trailers: {}, length };
}

function readChunks(bytes: Buffer) {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const line = bytes.toString("latin1", at, lineEnd);
    if (!/^[\da-f]+$/i.test(line)) throw new Error(`no size of a chunk: ${JSON.stringify(line.slice(0, 100))}`);
    const size = Number.parseInt(line, 16);
    if (size === 0) return readTrailers(bytes, lineEnd, chunks);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return null;
    chunks.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}

function readTrailers(bytes: Buffer, lineEnd: number, chunks: readonly Buffer[]) {
  const end = bytes.indexOf(HEAD_END, lineEnd);
  if (end < 0) return null;
  const text = bytes.toString("latin1", lineEnd + 2, end);
  const lines = text === "" ? [] : text.split("\r\n");
  return {
    body: Buffer.concat(chunks),
    trailers: Object.fromEntries(lines.map(readHeader)),
    length: end + HEAD_END.length,
  };
}
