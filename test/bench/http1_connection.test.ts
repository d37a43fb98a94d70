/** The load's own HTTP/1.1 client against Node's server. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { type Http1Connection, openHttp1 } from "../../bench/load/http1/connection.ts";
import { OverloadedError } from "../../bench/load/lane.ts";

const opened: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function connectTo(listener: RequestListener): Promise<Http1Connection> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  opened.push(() => void server.close());
  const connection = await openHttp1(`http://127.0.0.1:${address.port}`);
  opened.push(connection.close);
  return connection;
}

function call(connection: Http1Connection, body: string): Promise<{ error: Error | null; body: string }> {
  return new Promise((resolve) => {
    connection.call("/a.Service/Call", Buffer.from(body), (error, answer) =>
      resolve({ error, body: answer.toString() }),
    );
  });
}

test("calls are answered one after another on one connection", async () => {
  const connection = await connectTo(async (request, response) => {
    response.end(`${request.method} ${request.url} ${request.headers["content-type"]} ${await text(request)}`);
  });
  for (const body of ["{}", '{"name":"Zoë"}']) {
    expect(await call(connection, body)).toEqual({
      error: null,
      body: `POST /a.Service/Call application/json ${body}`,
    });
  }
});

test("an answer in chunks comes whole", async () => {
  const connection = await connectTo((_, response) => {
    response.write("first, ");
    response.end("second");
  });
  expect(await call(connection, "{}")).toEqual({ error: null, body: "first, second" });
});

test("any status but 200 is an error, and a server that has too much to do is told apart", async () => {
  const statuses = [404, 503];
  const connection = await connectTo((_, response) => response.writeHead(statuses.shift() ?? 200).end("words"));
  const first = await call(connection, "{}");
  expect(first.error?.message).toBe("/a.Service/Call answered HTTP 404: words");
  expect(first.error).not.toBeInstanceOf(OverloadedError);
  expect((await call(connection, "{}")).error).toBeInstanceOf(OverloadedError);
});

test("a call fails when the connection is lost, and so do those after", async () => {
  const connection = await connectTo((request) => request.socket.destroy());
  const { error } = await call(connection, "{}");
  expect(error).not.toBeNull();
  expect((await call(connection, "{}")).error).toBe(error);
});
