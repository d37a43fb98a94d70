/** Calls over HTTP/2, by Node's own client: everything about them is right but what they say. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { type Answer, faultOf } from "./answers.ts";
import type { Call } from "./calls.ts";
import { ANSWERED, CUT, finding, GIVEN_UP, type Outcome } from "./outcome.ts";

export interface Http2Door {
  ask(call: Call): Promise<Outcome>;
  close(): void;
}

// A stream that was asked for stays open; its client has seen enough by then.
const PATIENCE_MS = 400;

// A connection that goes on for ever would hide what only happens at its beginning and at its end.
const CALLS_OF_A_SESSION = 200;

export function http2Door(url: string): Http2Door {
  let session: ClientHttp2Session | undefined;
  let calls = 0;

  const sessionFor = (): ClientHttp2Session => {
    calls += 1;
    if (session === undefined || session.closed || session.destroyed || calls % CALLS_OF_A_SESSION === 0) {
      session?.close();
      session = connect(url);
      // Its streams tell.
      session.on("error", () => {});
    }
    return session;
  };

  return {
    ask: (call) => ask(sessionFor(), call),
    close: () => session?.destroy(),
  };
}

async function ask(session: ClientHttp2Session, call: Call): Promise<Outcome> {
  const stream = request(session, call);
  if (stream === null) return CUT;
  let head: Record<string, string> | undefined;
  let trailers: Record<string, string> = {};
  const body: Buffer[] = [];
  stream.on("response", (headers) => {
    head = textsOf(headers);
  });
  stream.on("trailers", (headers) => {
    trailers = textsOf(headers);
  });
  stream.on("data", (chunk: Buffer) => body.push(chunk)).on("error", () => {});
  let gaveUp = false;
  const patience = setTimeout(() => {
    gaveUp = true;
    stream.close(constants.NGHTTP2_CANCEL);
  }, PATIENCE_MS);
  await new Promise((resolve) => stream.once("close", resolve));
  clearTimeout(patience);

  if (gaveUp) return GIVEN_UP;
  if (stream.rstCode === constants.NGHTTP2_INTERNAL_ERROR) return finding("a stream was reset with INTERNAL_ERROR");
  if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) return CUT;
  if (head === undefined) return session.destroyed ? CUT : finding("a stream ended without an answer");
  const answer: Answer = { status: Number(head[":status"]), headers: head, trailers, body: Buffer.concat(body) };
  const fault = faultOf(call, answer);
  return fault === null ? ANSWERED : finding(`${fault} (status ${answer.status})`);
}

/** Null: Node's client won't send that. */
function request(session: ClientHttp2Session, { method, path, headers, body }: Call): ClientHttp2Stream | null {
  try {
    const { expect: _http1Only, ...rest } = headers;
    const stream = session.request({ ...rest, ":method": method, ":path": path }, { endStream: body.length === 0 });
    if (body.length > 0) stream.end(body);
    return stream;
  } catch {
    return null;
  }
}

function textsOf(headers: object): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
