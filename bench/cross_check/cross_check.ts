/** The load's own figures beside those of well-known load generators, where the machine has them: h2load for gRPC, wrk for JSON. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { decimal, whole } from "../figures.ts";
import { PEAK } from "../load/concurrency.ts";
import type { Wire } from "../load/order.ts";
import { type RepeatedRequest, repeatedRequest } from "../load/request_bodies.ts";
import { readRate } from "./read_rate.ts";

/** A bare server, which answers the same request as often as it is asked. */
export interface CheckedServer {
  readonly wire: Wire;
  readonly name: string;
  readonly url: string;
  /** The calls a second that our own load measured. */
  readonly ours: number;
}

interface CrossCheckOptions {
  readonly seconds: number;
  /** For files that the load generators read. */
  readonly folder: string;
}

/** One line a server; a line that names the tool where it is missing. */
export async function crossCheck(servers: readonly CheckedServer[], options: CrossCheckOptions): Promise<string[]> {
  const lines: string[] = [];
  for (const [wire, tool] of [
    ["grpc", "h2load"],
    ["json", "wrk"],
  ] as const) {
    for (const { name, url, ours } of servers.filter((server) => server.wire === wire)) {
      const printed = await run(tool, commandOf(wire, url, options));
      if (printed === null) {
        lines.push(`Cross-check over ${wire}: ${tool} is not on this machine.`);
        break;
      }
      const theirs = readRate(tool, printed);
      lines.push(
        theirs === null
          ? `Cross-check over ${wire}: ${tool} printed no rate for the ${name}.`
          : `Cross-check over ${wire}, ${name}: ${tool} measures ${whole(theirs)} calls/s, ${decimal(theirs / ours)} × what our load does.`,
      );
    }
  }
  return lines;
}

function commandOf(wire: Wire, url: string, { seconds, folder }: CrossCheckOptions): string[] {
  const request = repeatedRequest("cancel", wire, "uuid", 0);
  return wire === "grpc" ? h2loadArguments(url, request, seconds, folder) : wrkArguments(url, request, seconds, folder);
}

function h2loadArguments(url: string, { path, body }: RepeatedRequest, seconds: number, folder: string): string[] {
  const file = join(folder, "h2load.body");
  writeFileSync(file, body(0));
  const { connections, streams } = PEAK.grpc;
  const headers = ["-H", "content-type: application/grpc+proto", "-H", "te: trailers"];
  const load = ["-D", String(Math.ceil(seconds)), "-c", String(connections), "-m", String(streams), "-d", file];
  return [...load, ...headers, `${url}${path}`];
}

function wrkArguments(url: string, { path, body }: RepeatedRequest, seconds: number, folder: string): string[] {
  const file = join(folder, "wrk.lua");
  const lines = [
    `wrk.method = "POST"`,
    `wrk.headers["content-type"] = "application/json"`,
    `wrk.body = ${JSON.stringify(body(0).toString())}`,
  ];
  writeFileSync(file, lines.join("\n"));
  const load = ["-t", "1", "-c", String(PEAK.json.connections), "-d", `${Math.ceil(seconds)}s`];
  return [...load, "-s", file, `${url}${path}`];
}

/** What the tool prints. Null: it is not there. */
async function run(tool: string, args: readonly string[]): Promise<string | null> {
  const child = spawn(tool, args, { stdio: ["ignore", "pipe", "pipe"] });
  const kill = (): boolean => child.kill();
  process.once("exit", kill);
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  child.stderr.resume();
  try {
    await once(child, "close");
    return printed;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  } finally {
    process.off("exit", kill);
  }
}
