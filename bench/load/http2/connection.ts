/**
 * gRPC calls over a socket, frame by frame. Node's own HTTP/2 client takes several times the processor time for each call, and on a
 * machine of few cores the server misses what the load takes.
 */
import type { Socket } from "node:net";
import { closeSocket, openSocket, readFrom } from "../client_socket.ts";
import { type OnAnswer, OverloadedError } from "../lane.ts";
import { readAnswerHead } from "./answer_head.ts";
import { contentOf, FLAG, FRAME, FRAME_HEAD_LENGTH, frameOf, frameReader } from "./frames.ts";
import { requestHead } from "./request_head.ts";

export interface Http2Connection {
  /** Sends a request whose body is `body`. */
  call(path: string, body: Buffer, done: OnAnswer): void;
  /** The same for an answer that goes on: `onData` is told that more of it came, `done` that it has ended. */
  follow(path: string, body: Buffer, onData: () => void, done: OnAnswer): void;
  close(): Promise<void>;
}

/** A call that is not answered yet. */
interface OpenCall {
  readonly path: string;
  readonly done: OnAnswer;
  /** Null: the answer is kept until it is whole. */
  readonly onData: (() => void) | null;
  status: string | null;
  body: Buffer;
}

interface Request {
  readonly frames: Buffer;
  readonly bodyLength: number;
}

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Servers may send as much as they like: the limit is theirs to keep where they are slow, not ours. */
const LARGEST_WINDOW = 2 ** 31 - 1;
const FIRST_WINDOW = 65_535;
const REPLENISH_AFTER = 2 ** 28;

const NOTHING = Buffer.alloc(0);

export async function openHttp2(url: string): Promise<Http2Connection> {
  return speakHttp2(await openSocket(url), new URL(url).host);
}

function speakHttp2(socket: Socket, authority: string): Http2Connection {
  const calls = new Map<number, OpenCall>();
  const templates = new Map<string, Buffer>();
  /** What is to be written, all at once. */
  let outgoing: Buffer[] = [];
  /** Requests for which the server has no room yet, and the room it has, in bytes of bodies. */
  let waiting: Request[] = [];
  let room = FIRST_WINDOW;
  let nextStream = 1;
  let received = 0;
  let failure: Error | null = null;

  const flush = (): void => {
    const bytes = Buffer.concat(outgoing);
    outgoing = [];
    // What is left to say to a connection that is being closed is of no use to anybody.
    if (bytes.length > 0 && socket.writable) socket.write(bytes);
  };
  const send = (bytes: Buffer): void => {
    // Everything that is sent because of one chunk of answers goes out in one write.
    if (outgoing.length === 0) queueMicrotask(flush);
    outgoing.push(bytes);
  };
  const fail = (error: Error): void => {
    failure ??= error;
    const open = [...calls.values()];
    calls.clear();
    for (const { done } of open) done(failure, NOTHING);
  };
  const end = (stream: number, call: OpenCall, grpcStatus: string | null): void => {
    calls.delete(stream);
    call.done(errorOf(call, grpcStatus), call.body);
  };

  const onHeaders = (flags: number, stream: number, payload: Buffer): void => {
    if ((flags & FLAG.endHeaders) === 0) throw new Error("the server sent headers in several frames");
    const call = calls.get(stream);
    if (call === undefined) return;
    const { status, grpcStatus } = readAnswerHead(contentOf(FRAME.headers, flags, payload));
    call.status ??= status;
    if (flags & FLAG.endStream) end(stream, call, grpcStatus);
  };
  const onData = (flags: number, stream: number, payload: Buffer): void => {
    received += payload.length;
    if (received > REPLENISH_AFTER) {
      send(windowUpdate(received));
      received = 0;
    }
    const call = calls.get(stream);
    if (call === undefined) return;
    const content = contentOf(FRAME.data, flags, payload);
    if (call.onData !== null) call.onData();
    else call.body = call.body.length === 0 ? content : Buffer.concat([call.body, content]);
    if (flags & FLAG.endStream) end(stream, call, null);
  };
  const onWindowUpdate = (stream: number, payload: Buffer): void => {
    if (stream !== 0) return;
    room += payload.readUInt32BE(0);
    const held = waiting;
    waiting = [];
    for (const request of held) sendOrHold(request);
  };
  const sendOrHold = (request: Request): void => {
    if (request.bodyLength > room) {
      waiting.push(request);
      return;
    }
    room -= request.bodyLength;
    send(request.frames);
  };

  const read = frameReader((type, flags, stream, payload) => {
    switch (type) {
      case FRAME.headers:
        return onHeaders(flags, stream, payload);
      case FRAME.data:
        return onData(flags, stream, payload);
      case FRAME.windowUpdate:
        return onWindowUpdate(stream, payload);
      case FRAME.settings:
        if ((flags & FLAG.acknowledged) === 0) send(frameOf(FRAME.settings, FLAG.acknowledged, 0));
        return;
      case FRAME.ping:
        if ((flags & FLAG.acknowledged) === 0) send(frameOf(FRAME.ping, FLAG.acknowledged, 0, payload));
        return;
      case FRAME.resetStream: {
        const call = calls.get(stream);
        calls.delete(stream);
        return call?.done(new Error(`${call.path}: the server reset the stream (${payload.readUInt32BE(0)})`), NOTHING);
      }
      case FRAME.goaway:
        return fail(new Error(`the server sent GOAWAY (${payload.readUInt32BE(4)})`));
      default:
        return;
    }
  });
  readFrom(socket, read, fail);
  socket.write(Buffer.concat([Buffer.from(PREFACE), settings(), windowUpdate(LARGEST_WINDOW - FIRST_WINDOW)]));

  const begin = (path: string, body: Buffer, onData: OpenCall["onData"], done: OnAnswer): void => {
    if (failure !== null) {
      done(failure, NOTHING);
      return;
    }
    let template = templates.get(path);
    if (template === undefined) {
      template = requestTemplate(authority, path);
      templates.set(path, template);
    }
    calls.set(nextStream, { path, done, onData, status: null, body: NOTHING });
    sendOrHold({ frames: fillTemplate(template, nextStream, body), bodyLength: body.length });
    nextStream += 2;
  };

  return {
    call: (path, body, done) => begin(path, body, null, done),
    follow: begin,
    close: () => closeSocket(socket, frameOf(FRAME.goaway, 0, 0, Buffer.alloc(8))),
  };
}

const RESOURCE_EXHAUSTED = "8";

function errorOf({ path, status }: OpenCall, grpcStatus: string | null): Error | null {
  if (status === "200" && grpcStatus === "0") return null;
  const what = `${path} answered HTTP ${status}, grpc-status ${grpcStatus}`;
  return grpcStatus === RESOURCE_EXHAUSTED ? new OverloadedError(what) : new Error(what);
}

/** No dynamic table, no pushes, and room for every answer. */
function settings(): Buffer {
  const [headerTableSize, enablePush, initialWindowSize] = [1, 2, 4];
  const payload = Buffer.alloc(18);
  for (const [index, [id = 0, value = 0]] of [
    [headerTableSize, 0],
    [enablePush, 0],
    [initialWindowSize, LARGEST_WINDOW],
  ].entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return frameOf(FRAME.settings, 0, 0, payload);
}

function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frameOf(FRAME.windowUpdate, 0, 0, payload);
}

/** A HEADERS frame, and the head of the DATA frame after it. */
function requestTemplate(authority: string, path: string): Buffer {
  const headers = frameOf(FRAME.headers, FLAG.endHeaders, 0, requestHead(authority, path));
  return Buffer.concat([headers, frameOf(FRAME.data, FLAG.endStream, 0)]);
}

function fillTemplate(template: Buffer, stream: number, body: Buffer): Buffer {
  const request = Buffer.allocUnsafe(template.length + body.length);
  request.set(template);
  request.set(body, template.length);
  const dataAt = template.length - FRAME_HEAD_LENGTH;
  request.writeUInt32BE(stream, 5);
  request.writeUInt32BE(stream, dataAt + 5);
  request.writeUIntBE(body.length, dataAt, 3);
  return request;
}
