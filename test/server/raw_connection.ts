/** A TCP connection on which a test says exactly what it wants. */
import { connect, type Socket } from "node:net";

export interface RawConnection {
  readonly socket: Socket;
  /** What came so far, in Latin 1. */
  received(): string;
  /** Resolves once `text` has come. Rejects if the connection closes before. */
  until(text: string): Promise<string>;
  /** Resolves, when the server has closed the connection, with all that came. */
  closed: Promise<string>;
}

/** Connects and sends `text`, in Latin 1. */
export function rawConnection(port: number, text: string): RawConnection {
  const socket = connect(port, "127.0.0.1");
  let all = "";
  let watch = (): void => {};
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    all += chunk;
    watch();
  });
  const closed = new Promise<string>((resolve) => {
    // A reset is a way to close too.
    socket.on("error", () => {}).on("close", () => resolve(all));
  });
  socket.write(text, "latin1");

  return {
    socket,
    received: () => all,
    closed,
    until: (wanted) =>
      new Promise((resolve, reject) => {
        watch = () => {
          if (all.includes(wanted)) resolve(all);
        };
        watch();
        void closed.then(() => reject(new Error(`closed after ${JSON.stringify(all)}`)));
      }),
  };
}
