/** Lanes over Connect's unary JSON on HTTP/1.1: a connection each, as it carries one call at a time. */
import { openHttp1 } from "./http1/connection.ts";
import type { Lanes } from "./lane.ts";

export async function openJsonLanes(url: string, connections: number): Promise<Lanes> {
  const opened = await Promise.all(Array.from({ length: connections }, () => openHttp1(url)));
  return {
    all: opened,
    close: async () => {
      await Promise.all(opened.map((connection) => connection.close()));
    },
  };
}
