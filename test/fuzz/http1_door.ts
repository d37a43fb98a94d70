/** Calls over HTTP/1.1: well-formed ones on a connection that is kept, and spoilt ones byte by byte. */
import { connect, type Socket } from "node:net";
import { faultOf } from "./answers.ts";
import type { Call } from "./calls.ts";
import { readHttp1 } from "./http1_answer.ts";
import { ANSWERED, CUT, finding, GIVEN_UP, type Outcome } from "./outcome.ts";

export interface Http1Door {
  /** A call as it should be written. */
  ask(call: Call): Promise<Outcome>;
  /** Bytes of any kind, that may be a request or not. */
  say(bytes: Buffer): Promise<Outcome>;
  close(): void;
}

const PATIENCE_MS = 400;
// Bytes that are no whole request get no answer until the server has lost its patience.
const SILENCE_MS = 25;

/** The call in the syntax of HTTP/1.1. */
export function requestBytes({ method, path, headers, body }: Call): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${lines.join("")}content-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

export function http1Door(port: number): Http1Door {
  let socket: Socket | undefined;
  const open = (): Socket => {
    if (socket === undefined || !socket.writable) {
      socket = connect(port, "127.0.0.1");
      // Its close tells.
      socket.on("error", () => {});
    }
    return socket;
  };
  /** Without TIME_WAIT: a run has more connections than there are ports. */
  const drop = (): void => {
    socket?.resetAndDestroy();
    socket = undefined;
  };

  return {
    async ask(call) {
      const { received, quiet } = await exchange(open(), requestBytes(call), PATIENCE_MS, [call.method]);
      try {
        const { answers, rest } = readHttp1(received, [call.method]);
        const [answer] = answers;
        if (answer === undefined) {
          drop();
          return quiet ? GIVEN_UP : CUT;
        }
        if (rest.length > 0 || answer.headers["connection"] === "close") drop();
        const fault = faultOf(call, answer);
        return fault === null ? ANSWERED : finding(`${fault} (status ${answer.status})`);
      } catch (error) {
        drop();
        return finding(String(error));
      }
    },
    async say(bytes) {
      const { received } = await exchange(open(), bytes, SILENCE_MS, []);
      drop();
      // As HTTP/2 it would be the business of another door; and what a HEAD tells of does not come.
      if (received.length === 0 || /^(PRI|HEAD)/.test(bytes.toString("latin1", 0, 4))) return CUT;
      try {
        const { answers } = readHttp1(received);
        return answers.some(({ status }) => status === 500) ? finding("a fault: 500") : ANSWERED;
      } catch (error) {
        return finding(String(error));
      }
    },
    close: drop,
  };
}

/** Sends, and waits for one whole answer, for the end of the connection, or for as long as it makes sense. */
function exchange(
  socket: Socket,
  bytes: Buffer,
  patience: number,
  methods: readonly string[],
): Promise<{ readonly received: Buffer; readonly quiet: boolean }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const done = (quiet: boolean): void => {
      clearTimeout(timer);
      socket.off("data", onData).off("close", onClose);
      resolve({ received: Buffer.concat(chunks), quiet });
    };
    const onClose = (): void => done(false);
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      if (isWhole(Buffer.concat(chunks), methods)) done(false);
    };
    const timer = setTimeout(() => done(true), patience);
    socket.on("data", onData).on("close", onClose);
    socket.write(bytes);
  });
}

function isWhole(received: Buffer, methods: readonly string[]): boolean {
  try {
    return readHttp1(received, methods).answers.length > 0;
  } catch {
    // Whoever reads it in the end says what is wrong.
    return true;
  }
}
