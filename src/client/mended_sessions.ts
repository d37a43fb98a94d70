/** Connect's manager of HTTP/2 sessions, with two of its faults mended. Found in @connectrpc/connect-node 2.2.0. */
import type { ClientHttp2Stream, Http2Session } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { Http2SessionManager } from "@connectrpc/connect-node";

/** As much of the manager as a transport needs. */
export type MendedSessions = Pick<Http2SessionManager, "authority" | "request" | "notifyResponseByteRead" | "abort">;

/** Makes a manager of the sessions to one server. Takes what `Http2SessionManager` takes. */
export function mendedSessions(...options: ConstructorParameters<typeof Http2SessionManager>): MendedSessions {
  const manager = new Http2SessionManager(...options);
  const guarded = new WeakSet<Http2Session>();
  return {
    authority: manager.authority,
    async request(...args) {
      const stream = await manager.request(...args);
      failIfUnanswered(stream);
      const { session } = stream;
      if (session !== undefined && !guarded.has(session)) {
        guarded.add(session);
        session.on("error", reportedToTheCall);
      }
      return stream;
    },
    notifyResponseByteRead: (stream) => manager.notifyResponseByteRead(stream),
    abort: (reason) => manager.abort(reason),
  };
}

/**
 * When a server announces its shutdown (GOAWAY) and then dies, Node closes the streams that wait for an answer as if all were well, and
 * their calls would wait for ever.
 */
function failIfUnanswered(stream: ClientHttp2Stream): void {
  let answered = false;
  stream.once("response", () => {
    answered = true;
  });
  stream.once("close", () => {
    if (answered || stream.rstCode !== 0) return;
    stream.emit("error", new ConnectError("the connection was closed before the answer", Code.Unavailable));
  });
}

/**
 * Where something answers that does not speak HTTP/2, Node's session raises two errors. The manager reports the first to the call and
 * lets go of the session; the second would find no listener and end the process.
 */
function reportedToTheCall(): void {}
