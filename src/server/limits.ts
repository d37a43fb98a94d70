/** What one client may ask of the port before it is refused or cut off. */
import type { Millis } from "../domain/time.ts";

export interface Limits {
  /** The largest request message, in bytes, as sent and as decompressed. Default 1 MiB. */
  readonly maxBodyBytes: number;
  /** How many calls may be open at once on one HTTP/2 connection. Default 1000. */
  readonly maxConcurrentStreams: number;
  /** For the TLS handshake, for the first bytes of a connection, and for the headers of a request. Default 10 seconds. */
  readonly headersTimeout: Millis;
  /** For the whole of a request, body included. Default 30 seconds. Calls whose client streams are not bound by it. */
  readonly requestTimeout: Millis;
  /** How long a connection may stay open without a request. Default 2 minutes. */
  readonly idleTimeout: Millis;
}

export const DEFAULT_LIMITS: Limits = {
  maxBodyBytes: 1024 * 1024,
  maxConcurrentStreams: 1000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  idleTimeout: 120_000,
};
