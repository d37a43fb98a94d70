/** A client of HTTP/1.1 that tells every byte of the answers. */
import type { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { readHttp1 } from "../../fuzz/http1_answer.ts";
import type { Http1Ask } from "./ask.ts";
import type { Dial } from "./dial.ts";
import { type Answer, inOrder, likened, statusOf } from "./seen.ts";

export interface Http1Client {
  /** `reached` resolves when the handler runs. */
  ask(ask: Http1Ask, reached: () => Promise<void>): Promise<Answer>;
  close(): void;
}

export function http1Client(dial: Dial): Http1Client {
  const socket = dial("http/1.1");
  return {
    ask: (ask, reached) => askOn(socket, ask, reached),
    close: () => socket.destroy(),
  };
}

async function askOn(
  socket: Socket,
  { bytes, methods, leaves, pause = 0, isEndless = false }: Http1Ask,
  reached: () => Promise<void>,
): Promise<Answer> {
  const answered = collect(socket, methods);
  if (leaves === "reached") void reached().then(() => socket.destroy());
  for (const [place, piece] of bytes.entries()) {
    if (pause > 0 && place > 0) await setTimeout(pause);
    await written(socket, piece);
  }
  if (leaves === "unfinished") socket.destroy();
  const answer = await answered;
  // What it sent next would count as the rest of the body.
  return isEndless ? { ...answer, isOpen: false } : answer;
}

/** What comes until each request is answered, or the connection closes. */
function collect(socket: Socket, methods: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    let all = Buffer.alloc(0);
    const done = (isClosed: boolean): void => {
      socket.off("data", onData).off("close", onClose);
      resolve(answerOf(all, methods, isClosed));
    };
    const onClose = (): void => done(true);
    const onData = (chunk: Buffer): void => {
      all = Buffer.concat([all, chunk]);
      const { answers } = readHttp1(all, methods);
      // After the last answer of a connection comes its end.
      if (answers.length >= methods.length && answers.at(-1)?.headers["connection"] !== "close") done(false);
    };
    socket.on("data", onData).on("close", onClose);
  });
}

/** Each piece in a segment of its own. A connection that the server has closed meanwhile takes no more. */
function written(socket: Socket, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.write(piece, () => setImmediate(resolve));
  });
}

const HEADS = /(HTTP\/1\.\d \d{3} [^\r\n]*\r\n)((?:[^\r\n]+\r\n)*)\r\n/g;

/** Everything is what came, byte by byte, but for the order of the headers. */
function answerOf(bytes: Buffer, methods: readonly string[], isClosed: boolean): Answer {
  const statuses = readHttp1(bytes, methods).answers.map(({ status, body }) => statusOf(status, body));
  const all = bytes.toString("latin1").replaceAll(HEADS, (_head, status: string, lines: string) => {
    return `${status}${inOrder(lines.trimEnd().split("\r\n")).join("\r\n")}\r\n\r\n`;
  });
  const summary = [...statuses, ...(isClosed ? ["closed"] : [])].join(", ");
  return { summary, all: likened(all), isOpen: !isClosed };
}
