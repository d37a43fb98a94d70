/**
 * A server in a process of its own that says what its calls have left in its heap: `node --expose-gc leftovers_process.ts belay`, or `bare`
 * for a server that does nothing but answer. Its first message is its port; it answers each message with the bytes that are left.
 */
import { once } from "node:events";
import { createServer } from "node:http2";
import { getHeapSpaceStatistics } from "node:v8";
import { pino } from "pino";
import { startPort } from "../../src/server/port.ts";

// Where young collections do not look.
const OLD_SPACES = new Set(["old_space", "large_object_space", "trusted_space"]);

function oldBytes(): number {
  const old = getHeapSpaceStatistics().filter((space) => OLD_SPACES.has(space.space_name));
  return old.reduce((sum, space) => sum + space.space_used_size, 0);
}

async function startBelay(): Promise<number> {
  const { address } = await startPort({
    host: "127.0.0.1",
    port: 0,
    tls: null,
    routes: () => undefined,
    services: [],
    interceptors: [],
    corsOrigins: [],
    shutdownGrace: 0,
    logger: pino({ level: "silent" }),
  });
  return address.port;
}

/** Answers every call as gRPC answers an empty message. */
async function startBare(): Promise<number> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/grpc+proto" });
      response.addTrailers({ "grpc-status": "0" });
      response.end(Buffer.alloc(5));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`not a TCP address: ${address}`);
  return address.port;
}

const { gc } = globalThis;
if (gc === undefined) throw new Error("--expose-gc is missing");
let before = 0;
process.on("disconnect", () => process.exit());
process.on("message", () => {
  // An object is old after the second one that it has outlived.
  for (let collected = 0; collected < 3; collected += 1) gc({ type: "minor" });
  const left = oldBytes() - before;
  gc();
  before = oldBytes();
  process.send?.(left);
});

const port = process.argv[2] === "belay" ? await startBelay() : await startBare();
process.send?.(port);
