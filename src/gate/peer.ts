/** The other end of a connection. */
import type { DetailedPeerCertificate } from "node:tls";

export interface Peer {
  /** The address of the client: that of the connection, or, behind proxies that are trusted, the one that they name. */
  readonly address: string;
  /** The client's certificate, if it showed one and an authority that is configured signed it. */
  readonly certificate: DetailedPeerCertificate | null;
}
