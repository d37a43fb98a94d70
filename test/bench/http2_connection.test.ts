/** The load's own HTTP/2 client against Node's server. */
import { once } from "node:events";
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { afterEach, expect, test } from "vitest";
import { type Http2Connection, openHttp2 } from "../../bench/load/http2/connection.ts";
import { OverloadedError } from "../../bench/load/lane.ts";

const opened: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

async function connectTo(onStream: OnStream): Promise<{ connection: Http2Connection; server: Http2Server }> {
  const server = createServer();
  server.on("stream", onStream);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  opened.push(() => void server.close());
  const connection = await openHttp2(`http://127.0.0.1:${address.port}`);
  opened.push(connection.close);
  return { connection, server };
}

interface Outcome {
  readonly error: Error | null;
  readonly body: string;
}

function call(connection: Http2Connection, body: Buffer, path = "/a.Service/Call"): Promise<Outcome> {
  return new Promise((resolve) => {
    connection.call(path, body, (error, answer) => resolve({ error, body: answer.toString() }));
  });
}

/** Answers with the path and the length of the body, and with such a status in the trailers. */
function answering(grpcStatus: string): OnStream {
  return (stream, headers) => {
    let length = 0;
    stream.on("data", (chunk: Buffer) => {
      length += chunk.length;
    });
    stream.on("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": grpcStatus, "grpc-message": "Wörds" }));
      stream.end(`${headers[":path"]} ${length}`);
    });
  };
}

test("a call is answered with the body of its own answer", async () => {
  const { connection } = await connectTo(answering("0"));
  const paths = Array.from({ length: 50 }, (_, index) => `/a.Service/Call${index}`);
  const outcomes = await Promise.all(paths.map((path, index) => call(connection, Buffer.alloc(index), path)));
  expect(outcomes).toEqual(paths.map((path, index) => ({ error: null, body: `${path} ${index}` })));
});

test("more is sent than fits into the server's window at once", async () => {
  const { connection } = await connectTo(answering("0"));
  const outcomes = await Promise.all(Array.from({ length: 30 }, () => call(connection, Buffer.alloc(16_000))));
  expect(outcomes).toEqual(outcomes.map(() => ({ error: null, body: "/a.Service/Call 16000" })));
});

test("an answer larger than a frame, and larger than the window at first, comes whole", async () => {
  const { connection } = await connectTo((stream) => {
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end("x".repeat(300_000));
  });
  const { error, body } = await call(connection, Buffer.alloc(5));
  expect(error).toBeNull();
  expect(body).toHaveLength(300_000);
});

test.each(["1", "5", "13", "16"])("grpc-status %s in the trailers is an error", async (status) => {
  const { connection } = await connectTo(answering(status));
  const { error } = await call(connection, Buffer.alloc(5));
  expect(error?.message).toBe(`/a.Service/Call answered HTTP 200, grpc-status ${status}`);
});

test("a refusal in the first and only headers is an error, and a server that has too much to do is told apart", async () => {
  const { connection } = await connectTo((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "8" }, { endStream: true });
  });
  const { error } = await call(connection, Buffer.alloc(5));
  expect(error).toBeInstanceOf(OverloadedError);
});

test.each([404, 415, 503])("HTTP %i is an error", async (status) => {
  const { connection } = await connectTo((stream) => stream.respond({ ":status": status }, { endStream: true }));
  const { error } = await call(connection, Buffer.alloc(5));
  expect(error?.message).toBe(`/a.Service/Call answered HTTP ${status}, grpc-status null`);
});

test("an answer without trailers is an error", async () => {
  const { connection } = await connectTo((stream) => {
    stream.respond({ ":status": 200 });
    stream.end("all there is");
  });
  const { error } = await call(connection, Buffer.alloc(5));
  expect(error?.message).toContain("grpc-status null");
});

test("a stream that the server resets is an error", async () => {
  const { connection } = await connectTo((stream) => {
    // Node's own server is told of its reset as an error.
    stream.on("error", () => undefined);
    stream.close(2);
  });
  const { error } = await call(connection, Buffer.alloc(5));
  expect(error?.message).toBe("/a.Service/Call: the server reset the stream (2)");
});

test("calls under way, and those after, fail when the connection is lost", async () => {
  const { connection } = await connectTo((stream) => stream.session?.destroy());
  const { error } = await call(connection, Buffer.alloc(5));
  expect(error).not.toBeNull();
  expect((await call(connection, Buffer.alloc(5))).error).toBe(error);
});

test("an answer that goes on is told piece by piece", async () => {
  const { connection } = await connectTo((stream) => {
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.write("first");
    stream.end("second");
  });
  let pieces = 0;
  const ended = new Promise<Error | null>((resolve) => {
    connection.follow("/a.Service/Follow", Buffer.alloc(5), () => (pieces += 1), resolve);
  });
  expect(await ended).toBeNull();
  expect(pieces).toBeGreaterThanOrEqual(1);
});
