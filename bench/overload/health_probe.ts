/** How long the server's event loop keeps a request waiting, from outside: by health checks, which cost it next to nothing. */
import { once } from "node:events";
import { connect } from "node:http2";
import { latencyOf } from "./latency_of.ts";
import type { Latency } from "./order.ts";

export interface HealthProbe {
  /** Of the checks since the last time this was asked. */
  take(): Latency;
  close(): void;
}

const EVERY = 20;

/** The frame of an empty message: the server as a whole. */
const EMPTY_FRAME = Buffer.alloc(5);

export async function startHealthProbe(url: string): Promise<HealthProbe> {
  const session = connect(url);
  await once(session, "connect");
  let latencies: number[] = [];
  const timer = setInterval(() => {
    const sentAt = performance.now();
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    stream.on("error", () => undefined);
    stream.on("close", () => latencies.push(performance.now() - sentAt));
    stream.resume();
    stream.end(EMPTY_FRAME);
  }, EVERY);
  return {
    take() {
      const latency = latencyOf(latencies);
      latencies = [];
      return latency;
    },
    close() {
      clearInterval(timer);
      session.destroy();
    },
  };
}
