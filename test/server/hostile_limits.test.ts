import { once } from "node:events";
import { connect, constants } from "node:http2";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { attack, bystander, repeat } from "./attack.ts";
import { FLAG, FRAME, frame, headerBlock, hello, hpackInteger, readFrames, request } from "./h2_frames.ts";
import { CANCEL_PROCESS, cancelProcess, openPort } from "./port_under_test.ts";

const CALM = constants.NGHTTP2_ENHANCE_YOUR_CALM;
const GET = "GET /nowhere HTTP/1.1\r\nHost: x\r\n";
const JSON_HEAD = `POST ${CANCEL_PROCESS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
const LIST = "/belay.v1.CancellationService/ListCancellations";

function say(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

describe("a head that is larger than the limit", () => {
  it.each([
    ["in bytes", `X: ${"x".repeat(2_000)}\r\n`, "the headers are larger than this server accepts"],
    ["in number", "X: x\r\n".repeat(20), "the request has 21 headers, and this server accepts 20"],
  ])("%s is answered with 431, and why", async (_name, more, why) => {
    const port = await openPort({ limits: { maxHeaderBytes: 1_000, maxHeaders: 20 } });

    const answer = (await attack(port, say(`${GET}${more}\r\n`)).cutOff).toString();

    expect(answer).toMatch(/^HTTP\/1.1 431 Request Header Fields Too Large\r\n/);
    expect(JSON.parse(answer.split("\r\n\r\n")[1]!)).toMatchObject({ code: "invalid_argument", message: why });
  });

  it.each([
    ["in bytes", { x: "x".repeat(2_000) }],
    ["in number", Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x-${i}`, "x"]))],
  ])("%s is answered with 431 over HTTP/2 too", async (_name, headers) => {
    const port = await openPort({ limits: { maxHeaderBytes: 1_000, maxHeaders: 20 } });
    const end = FLAG.endHeaders | FLAG.endStream;
    const { until } = attack(port, Buffer.concat([hello(), request(1, "/nowhere", Object.entries(headers), end)]));

    const frames = await until(({ stream, type }) => stream === 1 && type === FRAME.data);

    expect(JSON.parse(frames.at(-1)!.payload.toString())).toMatchObject({ code: "invalid_argument" });
  });

  it("far beyond it gets its stream reset over HTTP/2, and no other", async () => {
    const port = await openPort({ limits: { maxHeaders: 20 } });
    const end = FLAG.endHeaders | FLAG.endStream;
    const headers = Array.from({ length: 200 }, () => ["x", "x"] as const);
    const requests = [request(1, "/nowhere", headers, end), request(3, "/nowhere", [], end)];
    const { until } = attack(port, Buffer.concat([hello(), ...requests]));

    const frames = await until(({ stream, flags }) => stream === 3 && (flags & FLAG.endStream) !== 0);

    const first = frames.filter(({ stream }) => stream === 1);
    expect(first.map(({ type, payload }) => [type, payload.readUInt32BE(0)])).toEqual([[FRAME.rstStream, CALM]]);
  });

  it("as decompressed is refused when a few bytes stand for many (HPACK bomb)", async () => {
    const port = await openPort();
    const other = await bystander(port);
    // The first header goes into the table of the decoder; each byte after it names it again.
    const value = Buffer.alloc(3_900, "x");
    const remembered = Buffer.concat([
      Buffer.from([0x40, 1]),
      Buffer.from("x"),
      hpackInteger(value.length, 7, 0),
      value,
    ]);
    const bomb = Buffer.concat([headerBlock([[":path", "/nowhere"]]), remembered, Buffer.alloc(10_000, 0x80 | 62)]);
    const { until } = attack(
      port,
      Buffer.concat([hello(), frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, bomb)]),
    );

    const frames = await until(({ stream, type }) => stream === 1 || type === FRAME.goaway);

    expect(frames.at(-1)?.type).not.toBe(FRAME.headers);
    await other.isServed();
  });
});

describe("a body that grows when it is decompressed", () => {
  const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024, "x"));

  it("is refused as too large in Connect's JSON", async () => {
    const port = await openPort();

    const answer = await fetch(port.url + CANCEL_PROCESS, {
      method: "POST",
      headers: { "content-type": "application/json", "content-encoding": "gzip" },
      body: bomb,
    });

    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: "resource_exhausted" });
  });

  it("is refused as too large in gRPC", async () => {
    const port = await openPort();
    const session = connect(port.url);
    const stream = session.request({
      ":method": "POST",
      ":path": CANCEL_PROCESS,
      "content-type": "application/grpc",
      "grpc-encoding": "gzip",
    });
    const head = Buffer.from([1, 0, 0, 0, 0]);
    head.writeUInt32BE(bomb.length, 1);
    stream.end(Buffer.concat([head, bomb]));

    const [trailers] = await once(stream.resume(), "trailers");

    expect(trailers["grpc-status"]).toBe("8");
    session.destroy();
  });
});

describe("a client that takes its time", () => {
  const IMPATIENT = { headersTimeout: 200, requestTimeout: 300, idleTimeout: 300, stallTimeout: 200 };

  it.each([
    ["its headers", say("GET / HTTP/1.1\r\nX: "), say("x")],
    ["its body", say(`${JSON_HEAD}Content-Length: 1000\r\n\r\n`), say(" ")],
    ["the size of a chunk", say(`${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n`), say("0")],
  ])("over %s is cut off, byte by byte, over HTTP/1.1", async (_name, first, drop) => {
    const port = await openPort({ limits: IMPATIENT });
    const other = await bystander(port);
    const { socket, cutOff } = attack(port, first);
    const drip = setInterval(() => socket.write(drop), 50);

    const answer = (await cutOff).toString();

    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1.1 (400|408|504) /);
    await other.isServed();
  });

  it("over its headers is cut off over HTTP/2", async () => {
    const port = await openPort({ limits: IMPATIENT });
    const other = await bystander(port);
    const headers = request(1, CANCEL_PROCESS, [["x", "x".repeat(1_000)]]);
    const { socket, cutOff } = attack(port, Buffer.concat([hello(), headers.subarray(0, 100)]));
    const drip = setInterval(() => socket.write("x"), 50);

    await cutOff;

    clearInterval(drip);
    await other.isServed();
  });

  it("over its body is told so over HTTP/2, byte by byte", async () => {
    const port = await openPort({ limits: IMPATIENT });
    const session = connect(port.url);
    const stream = session.request({ ":method": "POST", ":path": CANCEL_PROCESS, "content-type": "application/json" });
    const drip = setInterval(() => stream.write(" "), 50);

    const [headers] = await once(stream, "response");

    clearInterval(drip);
    expect(headers[":status"]).toBe(504);
    session.destroy();
  });

  it("over the first message of a stream is told so", async () => {
    const port = await openPort({ limits: IMPATIENT });
    const session = connect(port.url);
    const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });

    const [trailers] = await once(stream.resume(), "trailers");

    expect(trailers["grpc-status"]).toBe("4");
    session.destroy();
  });

  it("over its next request, and sends PINGs meanwhile, is asked to go", async () => {
    const port = await openPort({ limits: IMPATIENT });
    const { socket, cutOff } = attack(port, hello());
    const pings = setInterval(() => socket.write(frame(FRAME.ping, 0, 0, Buffer.alloc(8))), 50);

    const { frames } = readFrames(await cutOff);

    clearInterval(pings);
    const goaway = frames.find(({ type }) => type === FRAME.goaway);
    expect(goaway?.payload.readUInt32BE(4)).toBe(constants.NGHTTP2_NO_ERROR);
  });
});

describe("a client that does not read its answer", () => {
  // More than the buffers of the system take.
  const much = JSON.stringify({ pageToken: String(20_000_000) });
  const limits = { stallTimeout: 200 };

  it("is cut off over HTTP/1.1", async () => {
    const port = await openPort({ limits });
    const other = await bystander(port);
    const head = JSON_HEAD.replace(CANCEL_PROCESS, LIST);
    const { socket } = attack(port, say(`${head}Content-Length: ${much.length}\r\n\r\n${much}`));
    socket.pause();

    await port.logged(({ method }) => method?.endsWith("ListCancellations"));

    await other.isServed();
  });

  it("has its stream reset over HTTP/2, and no other", async () => {
    const port = await openPort({ limits });
    const session = connect(port.url);
    const headers = { ":method": "POST", "content-type": "application/json" };
    const stalled = session.request({ ...headers, ":path": LIST });
    stalled.on("error", () => {}).end(much);
    await once(stalled, "response");

    await port.logged(({ method }) => method?.endsWith("ListCancellations"));
    const next = session.request({ ...headers, ":path": CANCEL_PROCESS });
    next.end(JSON.stringify(cancelProcess("p-1")));
    const [answer] = await once(next, "response");

    expect(answer[":status"]).toBe(200);
    session.destroy();
  });

  it("is left in peace while it reads, however slowly", async () => {
    const port = await openPort({ limits });
    const session = connect(port.url);
    const stream = session.request({ ":method": "POST", ":path": LIST, "content-type": "application/json" });
    stream.end(JSON.stringify({ pageToken: "500000" }));
    let size = 0;

    for await (const chunk of stream) {
      size += chunk.length;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }

    expect(size).toBeGreaterThan(500_000);
    session.destroy();
  });
});

describe("a client whose process was killed", () => {
  // The system ends its half of the connection, and nothing else is heard of it.
  it("is missed at once over HTTP/2: what it asked for is given up", async () => {
    const port = await openPort();
    const body = Buffer.from(JSON.stringify(cancelProcess("stuck")));
    const call = [
      request(1, CANCEL_PROCESS, [["content-type", "application/json"]]),
      frame(FRAME.data, FLAG.endStream, 1, body),
    ];
    const { socket } = attack(port, Buffer.concat([hello(), ...call]));
    await once(port.handlers, "reached");
    const left = once(port.handlers, "left");

    socket.end();

    await left;
  });
});

describe("requests that are sent without waiting for an answer", () => {
  const waits = JSON.stringify(cancelProcess("waits"));
  const call = say(`${JSON_HEAD}Content-Length: ${waits.length}\r\n\r\n${waits}`);

  it("are all answered, in order, as long as they are few", async () => {
    const port = await openPort({ limits: { maxPipelinedRequests: 10 } });
    const last = say(`${GET}Connection: close\r\n\r\n`);
    const { cutOff } = attack(port, Buffer.concat([...repeat(call, 9), last]));
    await once(port.handlers, "reached");
    port.release();

    const statuses = (await cutOff).toString().match(/HTTP\/1.1 \d+/g);

    expect(statuses).toEqual([...Array(9).fill("HTTP/1.1 200"), "HTTP/1.1 404"]);
  });

  it("end the connection when they are many", async () => {
    const port = await openPort({ limits: { maxPipelinedRequests: 10 } });
    const other = await bystander(port);
    let reached = 0;
    port.handlers.on("reached", () => {
      reached += 1;
    });

    await attack(port, Buffer.concat([...repeat(call, 1_000)])).cutOff;

    expect(reached).toBeLessThanOrEqual(10);
    await other.isServed();
  });
});

describe("a request that two readers could understand in two ways", () => {
  const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

  it.each([
    ["two lengths", `${JSON_HEAD}Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n`],
    ["two lengths in one header", `${JSON_HEAD}Content-Length: 0, ${smuggled.length}\r\n\r\n`],
    ["a length and chunks", `${JSON_HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["chunks and a length", `${JSON_HEAD}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`],
    ["chunks that are not the last encoding", `${JSON_HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ["an unknown encoding", `${JSON_HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ["a space before the colon", `${JSON_HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
    ["a folded header", `${JSON_HEAD}X: a\r\n Content-Length: 5\r\n\r\n`],
    ["a length with a sign", `${JSON_HEAD}Content-Length: +5\r\n\r\n`],
    ["lines that end in LF alone", `${JSON_HEAD.replaceAll("\r\n", "\n")}Content-Length: 0\n\n`],
    ["a header that ends in LF alone", `${JSON_HEAD}X: a\nContent-Length: 0\r\n\r\n`],
    ["a CR within a header", `${JSON_HEAD}X: a\rContent-Length: 0\r\n\r\n`],
    ["a chunk whose size ends in LF alone", `${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n0\n\r\n`],
    ["a chunk with a sign", `${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n`],
    ["two hosts", `${JSON_HEAD}Host: y\r\nContent-Length: 0\r\n\r\n`],
    ["a NUL in a header", `${JSON_HEAD}X: a\0b\r\nContent-Length: 0\r\n\r\n`],
  ])("is refused, and nothing after it is read: %s", async (_name, text) => {
    const port = await openPort();

    const answer = (await attack(port, say(text + smuggled)).cutOff).toString();

    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
    expect(JSON.parse(answer.split("\r\n\r\n")[1]!)).toMatchObject({ code: "invalid_argument" });
  });
});
