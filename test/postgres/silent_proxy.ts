/** A proxy in front of a server, whose connections go silent when told: nothing is refused, nothing is closed, nothing arrives. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface SilentProxy {
  /** The URL of the server, through the proxy. */
  readonly url: string;
  silence(): void;
  /** New connections work again, and what was held back arrives. */
  speak(): void;
  close(): void;
}

export async function startSilentProxy(target: string): Promise<SilentProxy> {
  const url = new URL(target);
  const { hostname, port } = url;
  const sockets = new Set<Socket>();
  let isSilent = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    if (isSilent) socket.pause();
    // Either end may break: that is what the tests are about.
    return socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const upstream = keep(connect(Number(port), hostname));
    keep(client);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on("data", (data) => to.write(data));
      from.on("close", () => to.destroy());
    }
    if (isSilent) for (const socket of [client, upstream]) socket.pause();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP address");
  url.port = String(address.port);
  return {
    url: url.href,
    silence: () => {
      isSilent = true;
      for (const socket of sockets) socket.pause();
    },
    speak: () => {
      isSilent = false;
      for (const socket of sockets) socket.resume();
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
