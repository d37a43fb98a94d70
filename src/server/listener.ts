/** The listening socket: HTTP/1.1 and HTTP/2 on one port, in cleartext or over TLS. */
import { type EventEmitter, once } from "node:events";
import { readFile } from "node:fs/promises";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import type { TlsFiles } from "./config.ts";
import { detectProtocol } from "./detect_protocol.ts";
import type { NodeRequest, NodeResponse } from "./exchange.ts";
import type { Limits } from "./limits.ts";

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
  readonly tls: TlsFiles | null;
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

/** Listens. Rejects with the error of the system if the address is taken, forbidden or unknown, or a TLS file can't be read. */
export async function listen(options: ListenOptions, onRequest: RequestListener): Promise<Listener> {
  const servers =
    options.tls === null ? cleartext(options.limits, onRequest) : await tls(options, options.tls, onRequest);
  const { listening } = servers;

  const sockets = new Set<Socket>();
  listening.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const sessions = new Set<http2.ServerHttp2Session>();
  let accepting = true;
  servers.http2.on("session", (session: http2.ServerHttp2Session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    closeWhenIdle(session, options.limits.idleTimeout);
    // Its connection was there before, its first bytes were not.
    if (!accepting) session.close();
  });

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
      accepting = false;
      listening.close();
      for (const session of sessions) session.close();
    },
    async closeConnections() {
      const cutting = setTimeout(() => cut(sockets), FLUSH_TIME);
      // These end themselves after their last stream. With the socket taken from them they would lose what they have still to send.
      await Promise.all(Array.from(sessions, closing));
      for (const socket of sockets) socket.destroySoon();
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

function cut(sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) socket.destroy();
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
      if (protocol === "h2") h2.emit("connection", socket);
      else Reflect.apply(serveHttp1, h1, [socket]);
    });
  });
  return { listening: h1, http2: h2 };
}

async function tls({ limits }: ListenOptions, files: TlsFiles, onRequest: RequestListener): Promise<Servers> {
  const [cert, key] = await Promise.all([readFile(files.certPath), readFile(files.keyPath)]);
  const options = {
    ...http1Options(limits),
    ...http2Options(limits),
    ...TCP_KEEP_ALIVE,
    cert,
    key,
    allowHTTP1: true,
    handshakeTimeout: limits.headersTimeout,
  };
  const server = http2.createSecureServer(options, onRequest);
  return { listening: server, http2: server };
}

function http1Options(limits: Limits) {
  return {
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.idleTimeout,
    // How precisely the two timeouts above are kept.
    connectionsCheckingInterval: Math.ceil(limits.headersTimeout / 4),
  };
}

function http2Options(limits: Limits) {
  return { settings: { maxConcurrentStreams: limits.maxConcurrentStreams } };
}

/** A session with a quiet stream is not idle: its client waits for an answer. */
function closeWhenIdle(session: http2.ServerHttp2Session, idleTimeout: Millis): void {
  let open = 0;
  session.on("stream", (stream) => {
    open += 1;
    stream.on("close", () => {
      open -= 1;
    });
  });
  // Without this listener Node would cut the connection. Any frame starts the time anew, so also the end of the last stream.
  session.setTimeout(idleTimeout, () => {
    if (open === 0) session.close();
  });
}
