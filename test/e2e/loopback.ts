/** Calls from addresses of their own: a server that counts calls by address takes each for another machine. */
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";

let given = 0;

/** An address of this machine that no other caller of the file has. Linux has all of 127.0.0.0/8. */
export function newAddress(): string {
  given += 1;
  return `127.1.${given >> 8}.${given & 255}`;
}

export interface HttpRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends one request over a connection from `from`. */
export function send(url: string, { method, path, headers, body }: HttpRequest, from: string): Promise<HttpAnswer> {
  return new Promise((answered, failed) => {
    const sent = request(`${url}${path}`, { method, headers, localAddress: from, agent: false }, (response) => {
      text(response).then(
        (read) => answered({ status: response.statusCode ?? 0, headers: response.headers, text: read }),
        failed,
      );
    });
    sent.on("error", failed);
    sent.end(body);
  });
}

interface OwnTransport {
  readonly transport: Transport;
  close(): void;
}

export type TransportFrom = (url: string, from: string) => OwnTransport;

export const grpcFrom: TransportFrom = (url, from) => {
  const { hostname: host, port } = new URL(url);
  const createConnection = () => connect({ host, port: Number(port), localAddress: from });
  const sessionManager = new Http2SessionManager(url, {}, { createConnection });
  return { transport: createGrpcTransport({ baseUrl: url, sessionManager }), close: () => sessionManager.abort() };
};

export const grpcWebFrom: TransportFrom = (url, from) => {
  const agent = agentFrom(from);
  const transport = createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1", nodeOptions: { agent } });
  return { transport, close: () => agent.destroy() };
};

export const connectFrom: TransportFrom = (url, from) => {
  const agent = agentFrom(from);
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: "1.1",
    useBinaryFormat: false,
    nodeOptions: { agent },
  });
  return { transport, close: () => agent.destroy() };
};

/** Keeps its connection: to a client that wants it closed, Node answers without having read what it sends. */
function agentFrom(localAddress: string): Agent {
  return new Agent({ keepAlive: true, localAddress });
}
