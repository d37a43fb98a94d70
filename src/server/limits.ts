/** What one client may ask of the port before it is refused or cut off. */
import type { Millis } from "../domain/time.ts";

/** So much at once, and so much more for every second that passes. */
export interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

export interface Limits {
  /** The largest request message, in bytes, as sent and as decompressed. Default 1 MiB. */
  readonly maxBodyBytes: number;
  /** The largest head of a request, in bytes. Default 16 KiB: twice what the largest tokens need, and what Node and most proxies take. */
  readonly maxHeaderBytes: number;
  /** How many headers a request may have. Default 100: browsers and gRPC clients send up to 40. */
  readonly maxHeaders: number;

  /**
   * How many connections may be open. Default 10,000: an idle one takes about 10 KiB, one over TLS five times as much, so that all of
   * them take no more than the process can have.
   */
  readonly maxConnections: number;
  /**
   * How many of them may come from one address, or from one network of IPv6 (/64), which is what one subscriber has. Default 2,000: far
   * more than the workers of one machine or the people of one office need, so that no one address takes them all.
   */
  readonly maxConnectionsPerAddress: number;
  /** How many calls may be open at once on one HTTP/2 connection. Default 1,000: each may be a cancel that waits for its proof. */
  readonly maxConcurrentStreams: number;
  /** How many requests of one HTTP/1.1 connection may wait for their answers. Default 100: hardly any client sends a second one. */
  readonly maxPipelinedRequests: number;

  /** For the TLS handshake, for the first bytes of a connection, and for the headers of a request. Default 10 seconds. */
  readonly headersTimeout: Millis;
  /**
   * For the whole of a request, body included. Default 30 seconds. Calls whose client streams have as long for their first message, and
   * then all the time they like.
   */
  readonly requestTimeout: Millis;
  /** How long a connection may stay open without a request; what else it sends does not count. Default 2 minutes. */
  readonly idleTimeout: Millis;
  /** How long a client may take nothing of its answer. Default 30 seconds: longer than a network that is going to recover is away. */
  readonly stallTimeout: Millis;

  /**
   * How many streams of one HTTP/2 connection its client may reset (CVE-2023-44487). Default 1,000 and 100 a second: every call that can be
   * open may be given up at once, and what the rest costs is about a hundredth of a core.
   */
  readonly streamResets: Allowance;
  /**
   * How many PING and SETTINGS frames one HTTP/2 connection may send; a SETTINGS frame counts as ten. Default 10,000 and 2,000 a second:
   * clients that measure their bandwidth send a PING with every answer, and 2,000 cost less than a hundredth of a core.
   */
  readonly controlFrames: Allowance;
  /**
   * How many bytes one HTTP/2 connection may send that are neither headers nor bodies: frames that are empty, acknowledge, prioritize, or
   * mean nothing. Default 1 MiB and 256 KiB a second, some 20,000 of the smallest frames.
   */
  readonly overheadBytes: Allowance;
}

export const DEFAULT_LIMITS: Limits = {
  maxBodyBytes: 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 100,

  maxConnections: 10_000,
  maxConnectionsPerAddress: 2_000,
  maxConcurrentStreams: 1_000,
  maxPipelinedRequests: 100,

  headersTimeout: 10_000,
  requestTimeout: 30_000,
  idleTimeout: 120_000,
  stallTimeout: 30_000,

  streamResets: { burst: 1_000, perSecond: 100 },
  controlFrames: { burst: 10_000, perSecond: 2_000 },
  overheadBytes: { burst: 1024 * 1024, perSecond: 256 * 1024 },
};
