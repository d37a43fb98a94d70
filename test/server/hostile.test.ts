import { once } from "node:events";
import { connect, constants } from "node:http2";
import { afterEach, describe, expect, it } from "vitest";
import { CANCEL_PROCESS, cancelProcess, GET_CANCELLATION, openPort, type PortUnderTest } from "./port_under_test.ts";
import { type RawConnection, rawConnection } from "./raw_connection.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// Long enough for a request on a busy machine, short enough to wait for.
const IMPATIENT = { limits: { headersTimeout: 300, requestTimeout: 400, idleTimeout: 300 } };

const connections: RawConnection[] = [];
afterEach(() => {
  for (const { socket } of connections.splice(0)) socket.destroy();
});

function say(port: PortUnderTest, text: string): RawConnection {
  const connection = rawConnection(port.address.port, text);
  connections.push(connection);
  return connection;
}

/** A call on a connection of its own gets its answer. */
async function expectAlive(port: PortUnderTest): Promise<void> {
  const response = await fetch(port.url + CANCEL_PROCESS, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify(cancelProcess("p-1")),
  });
  expect(response.status).toBe(200);
}

describe("a request with a strange host", () => {
  it.each(["[", "a b", "user@", "a:b:c", "%"])("gets 400 for %j", async (host) => {
    const port = await openPort();

    const answer = await say(port, `GET ${GET_CANCELLATION} HTTP/1.1\r\nHost: ${host}\r\n\r\n`).until("\r\n\r\n");

    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    await expectAlive(port);
  });

  it("gets 400 over HTTP/2", async () => {
    const port = await openPort();
    const session = connect(port.url);
    const stream = session.request({ ":method": "POST", ":path": CANCEL_PROCESS, ":authority": "[" });

    const [headers] = await once(stream, "response");

    expect(headers[":status"]).toBe(400);
    session.destroy();
    await expectAlive(port);
  });

  it("is answered without any over HTTP/1.0", async () => {
    const port = await openPort();
    const body = JSON.stringify(cancelProcess("p-1"));
    const head = `POST ${CANCEL_PROCESS} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;

    const answer = await say(port, `${head}\r\n\r\n${body}`).closed;

    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer).toContain("CANCEL_REQUESTED");
  });

  it("gets 400 without any over HTTP/1.1", async () => {
    const port = await openPort();

    const answer = await say(port, `GET ${GET_CANCELLATION} HTTP/1.1\r\n\r\n`).closed;

    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    await expectAlive(port);
  });

  it("is answered if it asks as one asks a proxy", async () => {
    const port = await openPort();
    const query = "connect=v1&encoding=json&message=%7B%22cancellationId%22:%22c-1%22%7D";

    const answer = await say(
      port,
      `GET ${port.url}${GET_CANCELLATION}?${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    ).closed;

    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe("a connection that does not say enough", () => {
  it.each([
    ["nothing", ""],
    ["half a preface of HTTP/2", PREFACE.slice(0, 9)],
    ["a preface of HTTP/2 and no more", PREFACE],
    ["half the headers", `POST ${CANCEL_PROCESS} HTTP/1.1\r\nHost: x\r\nContent-`],
  ])("is closed after a while: %s", async (_name, text) => {
    const port = await openPort(IMPATIENT);

    await say(port, text).closed;

    await expectAlive(port);
  });

  it("is closed too if it says a byte now and then", async () => {
    const port = await openPort(IMPATIENT);
    const connection = say(port, "P");
    const drip = setInterval(() => connection.socket.write("R"), 100);

    await connection.closed;

    clearInterval(drip);
    await expectAlive(port);
  });

  it("is told when the rest of its body does not come", async () => {
    const port = await openPort(IMPATIENT);
    const head = `POST ${CANCEL_PROCESS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100`;

    const answer = await say(port, `${head}\r\n\r\n{`).closed;

    expect(answer).toMatch(/^HTTP\/1.1 (408|504) /);
    await expectAlive(port);
  });

  it("is told so over HTTP/2 too", async () => {
    const port = await openPort(IMPATIENT);
    const session = connect(port.url);
    const stream = session.request({ ":method": "POST", ":path": CANCEL_PROCESS, "content-type": "application/json" });
    stream.write("{");

    const [headers] = await once(stream, "response");

    expect(headers[":status"]).toBe(504);
    session.destroy();
  });

  it("is closed without a word if it goes away itself", async () => {
    const port = await openPort();
    const connection = say(port, PREFACE.slice(0, 5));
    connection.socket.end();

    expect(await connection.closed).toBe("");
    await expectAlive(port);
  });
});

describe("nonsense", () => {
  it.each([
    ["no protocol at all", "\x16\x03\x01\x02\x00\x01\x00"],
    ["a preface that goes wrong", `${PREFACE.slice(0, 20)}nonsense\r\n\r\n`],
    ["a preface, then nonsense", `${PREFACE}${"\xff".repeat(100)}`],
    ["a header that is no header", `GET / HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n`],
    ["headers without end", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(100_000)}`],
    ["two lengths", `POST ${CANCEL_PROCESS} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`],
  ])("ends the connection, not the server: %s", async (_name, text) => {
    const port = await openPort();

    await say(port, text).closed;

    await expectAlive(port);
  });

  it.each(["*", "/%", "//evil/belay.v1.CancellationService/CancelProcess", "/\\", "/?", "http://["])(
    "in the path gets 404: %s",
    async (path) => {
      const port = await openPort();

      const answer = await say(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`).closed;

      expect(answer).toMatch(/^HTTP\/1.1 404 /);
    },
  );

  it("in the query of a GET gets 400", async () => {
    const port = await openPort();

    const response = await fetch(`${port.url}${GET_CANCELLATION}?connect=v1&encoding=proto&base64=1&message=%25%25`);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_argument" });
  });

  it("in JSON over gRPC is told, even where its words are cut within a character", async () => {
    const port = await openPort();
    const session = connect(port.url);
    const headers = { ":method": "POST", ":path": CANCEL_PROCESS, "content-type": "application/grpc+json" };
    const stream = session.request(headers);
    // What JSON.parse quotes begins, or ends, in the middle of one of these.
    const message = Buffer.from(`{"reason":x${"😀".repeat(40)}`);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([head, message]));

    const [trailers] = await once(stream.resume(), "trailers");

    expect(trailers["grpc-status"]).toBe("3");
    session.destroy();
  });

  it("in a header that no handler reads does no harm", async () => {
    const port = await openPort();
    const session = connect(port.url);
    const name = Buffer.from("日本").toString("latin1");
    const stream = session.request({ ":method": "POST", ":path": "/nowhere", "x-name": name });

    const [headers] = await once(stream, "response");

    expect(headers[":status"]).toBe(404);
    session.destroy();
  });

  it("as a tunnel gets an answer over HTTP/2, or none", async () => {
    const port = await openPort();
    const session = connect(port.url);
    const stream = session.request({ ":method": "CONNECT", ":authority": "x:1" });
    stream.on("error", () => {});

    await Promise.race([once(stream, "response"), once(stream, "close")]);

    session.destroy();
    await expectAlive(port);
  });
});

describe("a body of 5 GB", () => {
  const head = `POST ${CANCEL_PROCESS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000000000`;

  it("is refused before it comes", async () => {
    const port = await openPort();

    const answer = await say(port, `${head}\r\n\r\n{`).until("BODY_TOO_LARGE");

    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    await expectAlive(port);
  });

  it("is refused before it comes, on a path that nobody serves", async () => {
    const port = await openPort();

    const answer = await say(port, `${head.replace(CANCEL_PROCESS, "/nowhere")}\r\n\r\n{`).until("UNKNOWN_METHOD");

    expect(answer).toMatch(/^HTTP\/1.1 404 /);
  });

  it("is not listened to for long", async () => {
    const port = await openPort();
    const connection = say(port, `${head}\r\n\r\n`);
    const chunk = Buffer.alloc(1024 * 1024);
    const send = (): void => {
      while (connection.socket.writable && connection.socket.write(chunk)) {}
    };
    connection.socket.on("drain", send);
    await connection.until("BODY_TOO_LARGE");
    send();

    await connection.closed;

    expect(connection.socket.bytesWritten).toBeLessThan(100 * 1024 * 1024);
  });

  it("is refused and reset over HTTP/2", async () => {
    const port = await openPort();
    const session = connect(port.url);
    const stream = session.request({
      ":method": "POST",
      ":path": CANCEL_PROCESS,
      "content-type": "application/json",
      "content-length": "5000000000",
    });
    stream.write("{");

    const [headers] = await once(stream, "response");
    stream.resume();
    await once(stream, "close");

    expect(headers[":status"]).toBe(413);
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    session.destroy();
  });

  it("keeps the connection good for the next request if it was not that large after all", async () => {
    const port = await openPort({ limits: { maxBodyBytes: 1000 } });
    const body = "x".repeat(2_000_000);
    const first = `POST ${CANCEL_PROCESS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    const connection = say(port, `${first}\r\n\r\n${body}`);
    await connection.until("BODY_TOO_LARGE");

    connection.socket.write(`GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

    expect(await connection.closed).toContain("HTTP/1.1 404 ");
  });
});
