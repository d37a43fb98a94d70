/** Lanes over gRPC: as many streams on each connection as it has lanes. */
import { openHttp2 } from "./http2/connection.ts";
import type { Lanes } from "./lane.ts";

/** Opens the connections, with so many lanes on each. */
export async function openGrpcLanes(url: string, connections: number, streams: number): Promise<Lanes> {
  const opened = await Promise.all(Array.from({ length: connections }, () => openHttp2(url)));
  return {
    all: Array.from({ length: streams }, () => opened).flat(),
    close: async () => {
      await Promise.all(opened.map((connection) => connection.close()));
    },
  };
}
