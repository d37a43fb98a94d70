/** The server that speaks TLS: HTTP/2 and HTTP/1.1, by ALPN. */
import * as http2 from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Logger } from "pino";
import type { NodeRequest, NodeResponse } from "./exchange.ts";
import type { Tls } from "./tls.ts";

/** Connections that stand keep what they were opened with; new ones get what `tls` serves then. */
export function createTlsServer(
  tls: Tls,
  options: http2.SecureServerOptions,
  logger: Logger,
  onRequest: (request: NodeRequest, response: NodeResponse) => void,
): http2.Http2SecureServer {
  const server = http2.createSecureServer(
    {
      ...options,
      ...tls.current.context,
      requestCert: tls.clientCertificates !== "ignored",
      // To be sent away in the handshake, with TLS's own words for it.
      rejectUnauthorized: tls.clientCertificates === "required",
    },
    onRequest,
  );
  tls.onChange(({ context }) => server.setSecureContext(context));
  server.on("tlsClientError", (error) => logger.debug({ err: error }, "a TLS handshake failed"));
  if (tls.clientCertificates === "optional") turnForgersAway(server, logger);
  return server;
}

/** A client that shows no certificate is served; one that shows a certificate which no authority of ours signed is not. */
function turnForgersAway(server: http2.Http2SecureServer, logger: Logger): void {
  const [serve] = server.listeners("secureConnection");
  if (serve === undefined) throw new Error("the TLS server does not listen for connections");
  server.removeAllListeners("secureConnection");
  server.on("secureConnection", (socket: TLSSocket) => {
    if (socket.authorized || !showsCertificate(socket)) {
      Reflect.apply(serve, server, [socket]);
      return;
    }
    const facts = { address: socket.remoteAddress, why: String(socket.authorizationError) };
    logger.info(facts, "a client certificate was refused, and its connection ended");
    socket.on("error", (error) => logger.debug({ err: error }, "a TLS connection broke"));
    socket.destroy();
  });
}

/** Without one Node gives an empty object. */
function showsCertificate(socket: TLSSocket): boolean {
  return socket.getPeerX509Certificate() !== undefined;
}
