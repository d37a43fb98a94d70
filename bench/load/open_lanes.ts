/** The lanes that an order asks for. */
import { openGrpcLanes } from "./grpc_lanes.ts";
import { openJsonLanes } from "./json_lanes.ts";
import type { Lanes } from "./lane.ts";
import type { LoadOrder, PacedOrder } from "./order.ts";

export function openLanes({ wire, url, connections, streams }: LoadOrder | PacedOrder): Promise<Lanes> {
  return wire === "grpc" ? openGrpcLanes(url, connections, streams) : openJsonLanes(url, connections);
}
