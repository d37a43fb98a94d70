/** Tells HTTP/2 without TLS from HTTP/1.1 by the first bytes of a connection. */
import type { Socket } from "node:net";
import type { Millis } from "../domain/time.ts";

// https://www.rfc-editor.org/rfc/rfc9113#section-3.4
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Calls `serve` once the bytes that came are, or can't become, the preface of HTTP/2; they stay in the socket for it to read. A socket
 * that does not say enough within `timeout` is destroyed.
 */
export function detectProtocol(socket: Socket, timeout: Millis, serve: (protocol: "http/1.1" | "h2") => void): void {
  let seen: Buffer = Buffer.alloc(0);

  const destroy = (): void => {
    socket.destroy();
  };
  const forget = (): void => {
    clearTimeout(timer);
    socket.off("readable", read).off("end", destroy).off("error", destroy).off("close", forget);
  };
  const read = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const couldBePreface = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (couldBePreface && length < PREFACE.length) return;
    forget();
    socket.unshift(seen);
    serve(couldBePreface ? "h2" : "http/1.1");
  };

  // Not the socket's own timeout: one byte now and then would put that off for ever.
  const timer = setTimeout(destroy, timeout);
  socket.on("readable", read).on("end", destroy).on("error", destroy).on("close", forget);
}
