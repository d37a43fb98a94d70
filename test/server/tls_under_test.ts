/** A TLS server on loopback that answers with the peer it sees, and the files that it is set up with. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import * as http2 from "node:http2";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";
import type { Peer } from "../../src/gate/peer.ts";
import type { ClientCertificateFiles, TlsFiles } from "../../src/server/config.ts";
import { peerOf } from "../../src/server/peer.ts";
import { openTls, type Tls } from "../../src/server/tls.ts";
import { createTlsServer } from "../../src/server/tls_server.ts";
import type { MadeCertificate } from "./certificate_authority.ts";
import { createLog, type LogUnderTest } from "./log_under_test.ts";

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "belay-tls-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Puts text into a file of the folder; returns its path. */
export function put(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Files in a folder of their own. */
export function filesOf(pair: MadeCertificate, clients: ClientCertificateFiles | null = null): TlsFiles {
  const folder = temporaryFolder();
  return { certPath: put(folder, "cert.pem", pair.cert), keyPath: put(folder, "key.pem", pair.key), clients };
}

export interface TlsUnderTest extends LogUnderTest {
  readonly tls: Tls;
  readonly port: number;
  /** The last peer that was seen. */
  peer(): Peer | undefined;
}

export async function serveTls(files: TlsFiles, interval = 3_600_000): Promise<TlsUnderTest> {
  const log = createLog();
  const tls = await openTls(files, { logger: log.logger, interval });
  let peer: Peer | undefined;
  const server = createTlsServer(tls, { allowHTTP1: true }, log.logger, (request, response) => {
    peer = peerOf(request, null);
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    tls.close();
    server.close();
  });
  return { ...log, tls, port, peer: () => peer };
}

/** A connection that has shaken hands, as far as its client can tell. Errors are the caller's to hear. */
export async function shakeHands(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", ALPNProtocols: ["http/1.1"], ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

/** The session that the server lets a client resume. TLS 1.3 gives it out after the handshake. */
export async function sessionOf(socket: TLSSocket): Promise<Buffer | undefined> {
  if (socket.getProtocol() === "TLSv1.2") return socket.getSession();
  socket.resume().write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const [session] = await once(socket, "session");
  return session;
}

/** One request over HTTP/1.1, on a connection of its own or on the one given. Resolves with its status. */
export async function ask(port: number, options: https.RequestOptions): Promise<number | undefined> {
  const request = https.get({ port, host: "127.0.0.1", agent: false, ...options });
  const [response] = await once(request, "response");
  response.resume();
  await once(response, "end");
  return response.statusCode;
}

/** One request over HTTP/2. Resolves with its status; with undefined if the connection ends before. */
export function askHttp2(port: number, options: http2.SecureClientSessionOptions): Promise<number | undefined> {
  const session = http2.connect(`https://127.0.0.1:${port}`, options);
  onTestFinished(() => session.destroy());
  return new Promise((resolve) => {
    session.on("error", () => {});
    session
      .request({ ":path": "/" })
      .on("response", (headers) => resolve(headers[":status"]))
      .on("error", () => {})
      .on("close", () => resolve(undefined));
  });
}
