/** The socket under a connection of ours. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Resolves when it is connected. */
export async function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, "connect");
  return socket;
}

/**
 * Reads what the server sends. What `read` throws ends the connection.
 *
 * @param fail told why nothing more will come
 */
export function readFrom(socket: Socket, read: (chunk: Buffer) => void, fail: (error: Error) => void): void {
  socket.on("data", (chunk: Buffer) => {
    try {
      read(chunk);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
      socket.destroy();
    }
  });
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the server closed the connection")));
}

/** Says `last`, if anything, and resolves once the server has closed its side too, or the connection broke. */
export async function closeSocket(socket: Socket, last?: Buffer): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
    if (last !== undefined) socket.write(last);
    socket.end();
    socket.resume();
  });
}
