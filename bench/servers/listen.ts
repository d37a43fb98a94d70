/** How an echo server takes a free port. */
import { once } from "node:events";
import type { Server } from "node:net";
import { announce } from "./announce.ts";

/** Resolves when it listens and the benchmark knows where. */
export async function listen(server: Server): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`not a TCP address: ${address}`);
  announce(address.port);
}
