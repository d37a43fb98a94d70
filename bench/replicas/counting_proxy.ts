/** Stands between a server and PostgreSQL, and counts how often the server waits for an answer. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface CountingProxy {
  readonly port: number;
  /** How many round trips there were since the last call. */
  take(): number;
  close(): void;
}

/** The messages after which a client waits: Query and Sync. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const WAITING = new Set(["Q".charCodeAt(0), "S".charCodeAt(0)]);

export async function startCountingProxy(target: number): Promise<CountingProxy> {
  let roundTrips = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
    }
    client.on(
      "data",
      messageCounter(() => {
        roundTrips += 1;
      }),
    );
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = addressOf(server.address());
  return {
    port,
    take: () => {
      const taken = roundTrips;
      roundTrips = 0;
      return taken;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Follows the frames of one client: first a message without a type, then a type and a length each. */
function messageCounter(onWait: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isStarted = false;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = isStarted ? 1 : 0;
      if (rest.length < head + 4) return;
      const length = head + rest.readUInt32BE(head);
      if (rest.length < length) return;
      if (isStarted && WAITING.has(rest[0] ?? 0)) onWait();
      isStarted = true;
      rest = rest.subarray(length);
    }
  };
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("not a TCP address");
  return address;
}
