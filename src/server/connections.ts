/** The TCP connections that are open: how many there may be, in all and from one address. */
import type { Socket } from "node:net";
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import { networkOf } from "../gate/network_of.ts";
import type { Limits } from "./limits.ts";

/** The two ends of a connection as the server sees them: a socket, or the session on it. */
interface Endpoint {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

export interface Connections {
  /** Counts the connection until it closes; destroys it if it is one too many. */
  admit(socket: Socket): void;
  /** Closes the connection of a client that would not go, if it is still there. */
  destroy(client: Endpoint): void;
  /** Ends each one when what is under way on it is sent. */
  endAll(): void;
  destroyAll(): void;
}

// Whoever opens connections by the thousand shall not fill the log too.
const REPORT_INTERVAL: Millis = 10_000;

export function createConnections(limits: Limits, logger: Logger): Connections {
  const open = new Map<string, Socket>();
  const counts = new Map<string, number>();
  const report = createReport(logger);

  return {
    admit(socket) {
      const { remoteAddress } = socket;
      // Gone before it was looked at.
      if (remoteAddress === undefined) {
        socket.destroy();
        return;
      }
      const network = networkOf(remoteAddress);
      const count = counts.get(network) ?? 0;
      if (open.size >= limits.maxConnections || count >= limits.maxConnectionsPerAddress) {
        socket.destroy();
        report(network);
        return;
      }
      const name = nameOf(socket);
      open.set(name, socket);
      counts.set(network, count + 1);
      socket.on("close", () => {
        open.delete(name);
        const left = (counts.get(network) ?? 0) - 1;
        if (left > 0) counts.set(network, left);
        else counts.delete(network);
      });
    },
    destroy(client) {
      open.get(nameOf(client))?.destroy();
    },
    endAll() {
      for (const socket of open.values()) socket.destroySoon();
    },
    destroyAll() {
      for (const socket of open.values()) socket.destroy();
    },
  };
}

function nameOf({ remoteAddress, remotePort }: Endpoint): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Logs the first refusal, and then how many there were, now and then. */
function createReport(logger: Logger): (network: string) => void {
  let refused = 0;
  let reportedAt = Number.NEGATIVE_INFINITY;
  return (network) => {
    refused += 1;
    const now = performance.now();
    if (now - reportedAt < REPORT_INTERVAL) return;
    logger.warn({ address: network, refused }, "refused connections: too many are open");
    reportedAt = now;
    refused = 0;
  };
}
