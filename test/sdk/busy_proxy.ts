/** A server that is busy once: answers the first request as an overloaded Camunda does, and passes all others on. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface BusyProxy {
  readonly url: string;
  /** The statuses it has answered with. */
  readonly statuses: readonly number[];
  close(): Promise<void>;
}

const BUSY = {
  type: "about:blank",
  title: "RESOURCE_EXHAUSTED",
  status: 503,
  detail: "the server has more work than it takes",
  instance: "/v2/process-instances",
};

/** @param target the URL of the server that it passes requests on to */
export async function startBusyProxy(target: string): Promise<BusyProxy> {
  const statuses: number[] = [];
  const server = createServer((incoming, outgoing) => {
    if (statuses.length === 0) {
      statuses.push(BUSY.status);
      incoming.resume();
      outgoing.writeHead(BUSY.status, { "content-type": "application/problem+json" }).end(JSON.stringify(BUSY));
    } else passOn(target, incoming, outgoing, statuses);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    statuses,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function passOn(target: string, incoming: IncomingMessage, outgoing: ServerResponse, statuses: number[]): void {
  const { method, headers, url = "" } = incoming;
  const onward = request(`${target}${url}`, { method, headers }, (answer) => {
    statuses.push(answer.statusCode ?? 0);
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on("error", (error) => outgoing.destroy(error));
  incoming.pipe(onward);
}
