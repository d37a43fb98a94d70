/** The listening socket: HTTP/1.1 and HTTP/2 on one port, in cleartext or over TLS. */
import { type EventEmitter, once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import { createConnections } from "./connections.ts";
import { detectProtocol } from "./detect_protocol.ts";
import type { NodeRequest, NodeResponse } from "./exchange.ts";
import { http1Options, http2Options } from "./http_options.ts";
import type { Limits } from "./limits.ts";
import { watchSessions } from "./session_watch.ts";
import { forgetListeners } from "./spent_streams.ts";
import type { Tls } from "./tls.ts";
import { createTlsServer } from "./tls_server.ts";
import { answerUnreadable } from "./unreadable_request.ts";

type RequestListener = (request: NodeRequest, response: NodeResponse) => void;

export interface Listener {
  readonly address: AddressInfo;
  /** Takes no more connections, closes the idle ones, and asks HTTP/2 clients to go elsewhere. */
  stopAccepting(): void;
  /** Ends every connection, and cuts those that can't be ended. Resolves when none is left and the port is free. */
  closeConnections(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Null: cleartext. */
  readonly tls: Tls | null;
  readonly limits: Limits;
  readonly logger: Logger;
}

/** The server that holds the listening socket, and the one that speaks HTTP/2; over TLS they are one. */
interface Servers {
  readonly listening: http.Server | http2.Http2SecureServer;
  readonly http2: http2.Http2Server | http2.Http2SecureServer;
}

// So that a peer that vanished without a word is found out, and its streams end.
const TCP_KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 30_000 };

// For what was answered last to reach a client that reads slowly.
const FLUSH_TIME: Millis = 1_000;

/** Listens. Rejects with the error of the system if the address is taken, forbidden or unknown. */
export async function listen(options: ListenOptions, onRequest: RequestListener): Promise<Listener> {
  const servers =
    options.tls === null ? cleartext(options.limits, onRequest) : overTls(options, options.tls, onRequest);
  const { listening } = servers;

  const connections = createConnections(options.limits, options.logger);
  // Before those who read from it.
  listening.prependListener("connection", (socket: Socket) => connections.admit(socket));
  listening.on("clientError", answerUnreadable);
  // An expectation that nobody knows is none: Node alone would refuse it without a word.
  for (const server of new Set([listening, servers.http2])) server.on("checkExpectation", onRequest);
  const sessions = watchSessions(options.limits, connections, options.logger);
  servers.http2.on("session", (session: http2.ServerHttp2Session) => sessions.add(session));
  servers.http2.on("stream", forgetListeners);

  const closed = closing(listening);
  listening.listen(options.port, options.host);
  await once(listening, "listening");
  // From here on it only says that a connection could not be accepted, for example because the process has too many open files.
  listening.on("error", (error) => options.logger.error({ err: error }, "could not accept a connection"));
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error(`not a TCP address: ${String(address)}`);

  return {
    address,
    stopAccepting() {
      listening.close();
      sessions.closeAll();
    },
    async closeConnections() {
      const cutting = setTimeout(() => connections.destroyAll(), FLUSH_TIME);
      // These end themselves after their last stream. With the socket taken from them they would lose what they have still to send.
      await sessions.ended();
      connections.endAll();
      await closed;
      clearTimeout(cutting);
    },
  };
}

function closing(emitter: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    emitter.once("close", resolve);
  });
}

function cleartext(limits: Limits, onRequest: RequestListener): Servers {
  const h2 = http2.createServer(http2Options(limits), onRequest);
  // The HTTP/1.1 server is the one that listens, because it watches its timeouts only while it does.
  const h1 = http.createServer({ ...http1Options(limits), ...TCP_KEEP_ALIVE }, onRequest);
  const [serveHttp1] = h1.listeners("connection");
  if (serveHttp1 === undefined) throw new Error("the HTTP/1.1 server does not listen for connections");
  h1.removeAllListeners("connection");
  h1.on("connection", (socket: Socket) => {
    detectProtocol(socket, limits.headersTimeout, (protocol) => {
      if (protocol === "h2") {
        // A client of HTTP/2 that ends its half has gone: nothing more can come of its streams.
        socket.allowHalfOpen = false;
        h2.emit("connection", socket);
      } else Reflect.apply(serveHttp1, h1, [socket]);
    });
  });
  return { listening: h1, http2: h2 };
}

function overTls({ limits, logger }: ListenOptions, tls: Tls, onRequest: RequestListener): Servers {
  const options = {
    ...http1Options(limits),
    ...http2Options(limits),
    ...TCP_KEEP_ALIVE,
    allowHTTP1: true,
    handshakeTimeout: limits.headersTimeout,
  };
  const server = createTlsServer(tls, options, logger, onRequest);
  return { listening: server, http2: server };
}
