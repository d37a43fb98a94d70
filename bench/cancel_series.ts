/** The servers that are asked to cancel, each over one wire: Belay with two kinds of work, and the bare ones. */
import type { Arena } from "./arena.ts";
import type { Wire } from "./load/order.ts";
import { createPeakMeter, type PeakMeter } from "./load/peak.ts";
import { echoSupply, type Supply, type Work } from "./load/supply.ts";
import { ECHO_LIBRARIES, type EchoLibrary } from "./servers/echo.ts";

export interface CancelSeries {
  readonly wire: Wire;
  readonly name: string;
  readonly target: { readonly work: Work } | { readonly echo: EchoLibrary };
}

export const WIRES: readonly Wire[] = ["grpc", "json"];

export const WIRE_TITLES: Readonly<Record<Wire, string>> = {
  grpc: "gRPC over HTTP/2",
  json: "Connect unary JSON over HTTP/1.1",
};

/** In the order in which a round measures them, and in which they are shown. */
export const CANCEL_SERIES: readonly CancelSeries[] = WIRES.flatMap((wire) => [
  { wire, name: "Belay, nothing to stop", target: { work: "pending" } },
  { wire, name: "Belay, running work", target: { work: "running" } },
  ...ECHO_LIBRARIES[wire].map((echo) => ({ wire, name: echoName(echo), target: { echo } })),
]);

export function echoName(library: EchoLibrary): string {
  return `${library} echo`;
}

/** A series whose server runs. */
export interface RunningSeries {
  readonly series: CancelSeries;
  readonly url: string;
  readonly supply: Supply;
  readonly peak: PeakMeter;
}

export async function startSeries(
  series: CancelSeries,
  { load, belay, supplies, startEcho }: Arena,
): Promise<RunningSeries> {
  const { wire, target } = series;
  const [url, supply] =
    "work" in target ? [belay.url, supplies[target.work]] : [await startEcho(target.echo, wire), echoSupply()];
  return { series, url, supply, peak: createPeakMeter(load, wire, url, supply) };
}
