/** Sums up how long each function itself ran, without what it called. */
import { areaOf, IDLE } from "./area.ts";
import type { CpuProfile, ProfileNode } from "./cpu_profile.ts";

/** From and until when samples count, in microseconds of the machine's monotonic clock. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

export interface SelfTime {
  /** For example "decide src/domain/decide.ts:41". */
  readonly name: string;
  readonly area: string;
  /** In microseconds. */
  readonly micros: number;
}

/** Functions that did not run within the span are left out; so is idleness. The longest comes first. */
export function selfTimes(profile: CpuProfile, { from, until }: Span): SelfTime[] {
  const micros = new Map<number, number>();
  let at = profile.startTime;
  for (const [index, sample] of profile.samples.entries()) {
    // A sample stands for the time until the next one.
    at += profile.timeDeltas[index] ?? 0;
    if (at < from || at >= until) continue;
    micros.set(sample, (micros.get(sample) ?? 0) + (profile.timeDeltas[index + 1] ?? 0));
  }
  const byFunction = new Map<string, SelfTime>();
  for (const { node, area } of withAreas(profile.nodes)) {
    const own = micros.get(node.id) ?? 0;
    if (own === 0 || area === IDLE) continue;
    const name = nameOf(node);
    const key = `${area} ${name}`;
    byFunction.set(key, { name, area, micros: (byFunction.get(key)?.micros ?? 0) + own });
  }
  return [...byFunction.values()].sort((a, b) => b.micros - a.micros);
}

/** The longest first. */
export function areaTimes(functions: readonly SelfTime[]): Omit<SelfTime, "name">[] {
  const sums = new Map<string, number>();
  for (const { area, micros } of functions) sums.set(area, (sums.get(area) ?? 0) + micros);
  return Array.from(sums, ([area, micros]) => ({ area, micros })).sort((a, b) => b.micros - a.micros);
}

interface NodeArea {
  readonly node: ProfileNode;
  readonly area: string;
}

function withAreas(nodes: readonly ProfileNode[]): NodeArea[] {
  const callers = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) callers.set(child, id);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const areas = new Map<number, string>();
  const areaOfNode = (node: ProfileNode): string => {
    const known = areas.get(node.id);
    if (known !== undefined) return known;
    const caller = byId.get(callers.get(node.id) ?? Number.NaN);
    const area = areaOf(node.callFrame, caller === undefined ? "other" : areaOfNode(caller));
    areas.set(node.id, area);
    return area;
  };
  return nodes.map((node) => ({ node, area: areaOfNode(node) }));
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  const [, file = url] = /.*\/((?:src|gen|node_modules)\/.*)$/.exec(url) ?? [];
  return `${name} ${file.replace("node_modules/", "")}:${lineNumber + 1}`;
}
