/** Streams over gRPC take a way of their own, and nobody can tell. */
import { once } from "node:events";
import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { CancellationService, WatchCancellationRequestSchema } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Refused, refusal } from "../../src/domain/refusal.ts";
import { openPort } from "./port_under_test.ts";

/** Does what the name of the cancellation says. */
async function* watchCancellation({ cancellationId }: { cancellationId: string }, context: HandlerContext) {
  if (cancellationId === "fails at once") throw new Refused(refusal("cancellation_not_found", "no such one ✗"));
  if (cancellationId === "has a fault") throw new Error("the secret of the store");
  if (cancellationId === "is empty") return;
  if (cancellationId === "adds headers") context.responseHeader.set("x-added", "early");
  yield { event: { sequence: 1n, message: "first" } };
  if (cancellationId === "fails later") throw new Refused(refusal("watcher_too_slow", "too slow"));
  if (cancellationId === "is large") yield { event: { sequence: 2n, message: "x".repeat(200_000) } };
  if (cancellationId === "adds headers") context.responseTrailer.set("x-added", "late");
  yield { event: { sequence: 3n, message: "last" } };
}

function envelope(message: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags, 0);
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}

function asking(cancellationId: string): Buffer {
  return envelope(toBinary(WatchCancellationRequestSchema, create(WatchCancellationRequestSchema, { cancellationId })));
}

interface Asked {
  readonly body: Buffer;
  readonly headers?: Record<string, string>;
}

/** Headers, body and trailers as the client sees them, in their order. */
async function answerOf(lanes: boolean, { body, headers }: Asked): Promise<unknown> {
  const port = await openPort({
    lanes,
    routes: (router) => router.service(CancellationService, { watchCancellation }),
  });
  const session = connect(port.url);
  const stream = session.request({
    ":method": "POST",
    ":path": "/belay.v1.CancellationService/WatchCancellation",
    "content-type": "application/grpc",
    te: "trailers",
    "x-request-id": "r-1",
    ...headers,
  });
  const chunks: Buffer[] = [];
  const answer: Record<string, unknown> = {};
  stream.on("response", ({ date: _, ...seen }) => Object.assign(answer, { header: Object.entries(seen) }));
  stream.on("trailers", (seen) => Object.assign(answer, { trailer: Object.entries(seen) }));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.end(body);
  await once(stream, "close");
  const logged = await port.logged(({ request_id }) => request_id === "r-1");
  session.destroy();
  const { method, protocol, http_status, code } = logged;
  return { ...answer, body: Buffer.concat(chunks).toString("hex"), logged: { method, protocol, http_status, code } };
}

const CASES: readonly (readonly [string, Asked])[] = [
  ["that ends", { body: asking("ends") }],
  ["without a message", { body: asking("is empty") }],
  ["that fails before its first message", { body: asking("fails at once") }],
  ["that fails after its first message", { body: asking("fails later") }],
  ["with a fault of the server", { body: asking("has a fault") }],
  ["with headers and trailers of its own", { body: asking("adds headers") }],
  ["with a large message", { body: asking("is large") }],
  ["for a client that takes gzip", { body: asking("is large"), headers: { "grpc-accept-encoding": "identity,gzip" } }],
  ["with a deadline", { body: asking("ends"), headers: { "grpc-timeout": "5S" } }],
  ["with a deadline that is none", { body: asking("ends"), headers: { "grpc-timeout": "soon" } }],
  ["that breaks a rule", { body: asking("") }],
  ["without a request", { body: Buffer.alloc(0) }],
  ["with two requests", { body: Buffer.concat([asking("ends"), asking("ends")]) }],
  ["with half a request", { body: asking("ends").subarray(0, 7) }],
  ["with bytes that are no message", { body: envelope(Buffer.from([0xff, 0xff])) }],
  ["with a compressed request of an unknown sort", { body: asking("ends"), headers: { "grpc-encoding": "snappy" } }],
  [
    "in JSON",
    { body: envelope(Buffer.from('{"cancellationId":"ends"}')), headers: { "content-type": "application/grpc+json" } },
  ],
];

describe("a stream over gRPC is answered in its lane as by Connect", () => {
  it.each(CASES)("%s", async (_, asked) => {
    const [lane, ofConnect] = await Promise.all([answerOf(true, asked), answerOf(false, asked)]);

    expect(lane).toEqual(ofConnect);
    expect(lane).toHaveProperty("trailer");
  });
});
