/** A client of HTTP/2 that tells everything about an answer. */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { setTimeout } from "node:timers/promises";
import type { Millis } from "../../../src/domain/time.ts";
import type { Http2Ask } from "./ask.ts";
import type { Dial } from "./dial.ts";
import { type FrameTap, tapFrames } from "./frame_tap.ts";
import { type Answer, type Block, blockOf, likened, statusOf } from "./seen.ts";

export interface Http2Client {
  /** `reached` resolves when the handler runs. */
  ask(ask: Http2Ask, reached: () => Promise<void>): Promise<Answer>;
  close(): void;
}

/** @param window see Manner */
export async function http2Client(dial: Dial, window?: number): Promise<Http2Client> {
  const tap = tapFrames(dial("h2"));
  const options = {
    createConnection: () => tap.connection,
    // What becomes of two content types is for the server to say. Node's types don't know this option of clients.
    strictSingleValueFields: false,
    ...(window !== undefined && { settings: { initialWindowSize: window } }),
  };
  const session = connect("http://localhost", options);
  // Its streams tell.
  session.on("error", () => {});
  await once(session, "connect");
  return {
    ask: (ask, reached) => askOn(session, tap, ask, reached),
    close: () => session.destroy(),
  };
}

async function askOn(
  session: ClientHttp2Session,
  tap: FrameTap,
  ask: Http2Ask,
  reached: () => Promise<void>,
): Promise<Answer> {
  const { method, path, headers, body, leaves, pause = 0, isEndless = false } = ask;
  const scheme = [":scheme", "http", ":authority", "localhost"];
  const ends = leaves !== "unfinished" && !isEndless;
  const stream = session.request([":method", method, ":path", path, ...scheme, ...headers.flat()], {
    endStream: body.length === 0 && ends,
  });
  const collected = collect(stream);
  if (leaves === "reached") void reached().then(() => stream.close(constants.NGHTTP2_CANCEL));
  if (isEndless) stream.once("response", () => stream.end());
  for (const piece of body) await Promise.race([written(stream, piece, pause), collected.closed]);
  if (leaves === "unfinished") await leave(session, stream);
  if (ends) stream.end();
  await collected.closed;
  const reset = stream.rstCode ?? constants.NGHTTP2_NO_ERROR;
  const answer = { ...collected.answer(), frames: tap.framesOf(stream.id ?? 0), reset };
  const isOpen = !session.closed && !session.destroyed && ask.window !== 0;
  return {
    summary: summaryOf(answer) + (session.closed || session.destroyed ? ", closed" : ""),
    all: likenedAnswer(answer),
    isOpen,
  };
}

interface Collected {
  /** What comes before the answer: 100, for example. */
  readonly early: readonly number[];
  /** Null: there was none. */
  readonly head: Block | null;
  readonly body: Buffer;
  readonly trailer: Block | null;
}

interface WholeAnswer extends Collected {
  readonly frames: readonly string[];
  /** The code with which the stream ended. */
  readonly reset: number;
}

function summaryOf({ head, body, trailer, reset }: WholeAnswer): string {
  const ended = reset === constants.NGHTTP2_NO_ERROR ? [] : [`reset ${reset}`];
  if (head === null) return ["no answer", ...ended].join(", ");
  const grpc = headerOf(trailer, "grpc-status") ?? headerOf(head, "grpc-status");
  const status = statusOf(Number(headerOf(head, ":status")), body);
  return [grpc === undefined ? status : `${status} grpc ${grpc}`, ...ended].join(", ");
}

function headerOf(block: Block | null, name: string): string | undefined {
  return block?.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
}

function likenedAnswer({ body, ...rest }: WholeAnswer): unknown {
  return { ...rest, body: likened(body.toString("latin1")) };
}

function collect(stream: ClientHttp2Stream) {
  const early: number[] = [];
  const chunks: Buffer[] = [];
  let head: Block | null = null;
  let trailer: Block | null = null;
  stream.on("headers", (headers) => early.push(Number(headers[":status"])));
  stream.on("response", (_headers, _flags, raw) => {
    head = blockOf(raw);
  });
  stream.on("trailers", (_headers, _flags, raw) => {
    trailer = blockOf(raw);
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => {});
  return {
    closed: new Promise<void>((resolve) => {
      stream.once("close", resolve);
    }),
    answer: (): Collected => ({ early, head, body: Buffer.concat(chunks), trailer }),
  };
}

/** Each piece in frames of its own. */
async function written(stream: ClientHttp2Stream, piece: Buffer, pause: Millis): Promise<void> {
  if (pause > 0) await setTimeout(pause);
  return new Promise((resolve) => {
    stream.write(piece, () => setImmediate(resolve));
  });
}

/** Not before the server has everything that was sent. */
async function leave(session: ClientHttp2Session, stream: ClientHttp2Stream): Promise<void> {
  await new Promise<void>((resolve) => session.ping(() => resolve()));
  stream.close(constants.NGHTTP2_CANCEL);
}
