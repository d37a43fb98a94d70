/** Connect's unary JSON over HTTP/1.1, by undici's lowest layer. */
import { Client } from "undici";
import { type Lane, type Lanes, NO_ANSWER } from "./lane.ts";

/** Opens the connections, one lane each: without pipelining, HTTP/1.1 carries one call at a time. */
export async function openJsonLanes(url: string, path: string, connections: number): Promise<Lanes> {
  const clients = Array.from({ length: connections }, () => new Client(url, { pipelining: 1 }));
  return {
    all: clients.map((client) => lane(client, path)),
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

function lane(client: Client, path: string): Lane {
  const headers = { "content-type": "application/json" };
  return {
    call: (body, done) => {
      let status = 0;
      let answer = NO_ANSWER;
      client.dispatch(
        { method: "POST", path, headers, body },
        {
          onRequestStart: () => {},
          onResponseStart: (_controller, statusCode) => {
            status = statusCode;
          },
          onResponseData: (_controller, chunk) => {
            answer = answer.length === 0 ? chunk : Buffer.concat([answer, chunk]);
          },
          onResponseEnd: () => {
            done(status === 200 ? null : new Error(`${path} answered HTTP ${status}: ${answer}`), answer);
          },
          onResponseError: (_controller, error) => done(error, answer),
        },
      );
    },
  };
}
