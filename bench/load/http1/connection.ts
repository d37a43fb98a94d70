/** Connect's unary JSON calls over a socket, one after another: cheaper than any HTTP client, which serves more than a benchmark needs. */
import { closeSocket, openSocket, readFrom } from "../client_socket.ts";
import { type Lane, type OnAnswer, OverloadedError } from "../lane.ts";
import { responseReader } from "./response_reader.ts";

export interface Http1Connection extends Lane {
  close(): Promise<void>;
}

interface OpenCall {
  readonly path: string;
  readonly done: OnAnswer;
}

const NOTHING = Buffer.alloc(0);

export async function openHttp1(url: string): Promise<Http1Connection> {
  const { host } = new URL(url);
  const socket = await openSocket(url);
  const heads = new Map<string, string>();
  let open: OpenCall | null = null;
  let failure: Error | null = null;

  const finish = (error: Error | null, body: Buffer): void => {
    const call = open;
    open = null;
    call?.done(error, body);
  };
  const fail = (error: Error): void => {
    failure ??= error;
    finish(failure, NOTHING);
  };
  const read = responseReader((status, body) => {
    finish(errorOf(open?.path ?? "nothing", status, body), body);
  });
  readFrom(socket, read, fail);

  return {
    call: (path, body, done) => {
      if (open !== null) throw new Error("a connection of HTTP/1.1 carries one call at a time");
      if (failure !== null) {
        done(failure, NOTHING);
        return;
      }
      let head = heads.get(path);
      if (head === undefined) {
        head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: `;
        heads.set(path, head);
      }
      open = { path, done };
      socket.write(`${head}${body.length}\r\n\r\n${body.toString("latin1")}`, "latin1");
    },
    close: () => closeSocket(socket),
  };
}

const SERVICE_UNAVAILABLE = 503;

function errorOf(path: string, status: number, body: Buffer): Error | null {
  if (status === 200) return null;
  const what = `${path} answered HTTP ${status}: ${body}`;
  return status === SERVICE_UNAVAILABLE ? new OverloadedError(what) : new Error(what);
}
