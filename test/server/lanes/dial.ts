/** Connections to a port of this machine, with TLS or without. */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Opens a connection; what is written to it meanwhile waits until it is there. */
export type Dial = (protocol: "h2" | "http/1.1") => Socket;

export function inCleartext(port: number): Dial {
  return () => withoutDelay(connect(port, "127.0.0.1"));
}

/** @param ca who signed the server's certificate: PEM */
export function overTls(port: number, ca: string): Dial {
  return (protocol) =>
    withoutDelay(connectTls({ port, host: "127.0.0.1", servername: "localhost", ca, ALPNProtocols: [protocol] }));
}

function withoutDelay(socket: Socket): Socket {
  // Its close tells.
  return socket.setNoDelay().on("error", () => {});
}
