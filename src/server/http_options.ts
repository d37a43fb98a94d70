/** The limits of the port in the words of Node's servers. */
import type { Limits } from "./limits.ts";

// What no honest client comes near, and not worth an option.
const MAX_SETTINGS = 32;
const MAX_INVALID_FRAMES = 100;
const MAX_MEGABYTES_OF_A_SESSION = 10;

/** For HTTP/1.1. */
export function http1Options(limits: Limits) {
  return {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.idleTimeout,
    // How precisely the two timeouts above are kept.
    connectionsCheckingInterval: Math.ceil(limits.headersTimeout / 4),
    // Whoever reads a request in another way than the proxy in front can be made to mistake one request for two.
    insecureHTTPParser: false,
    requireHostHeader: true,
  };
}

/** For HTTP/2. What these leave open is counted in flood_meter.ts. */
export function http2Options(limits: Limits) {
  return {
    settings: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      // Only an advice to the client: Node takes 64 KiB, as decompressed, and resets the stream of a larger one. See head_guard.ts.
      maxHeaderListSize: limits.maxHeaderBytes,
    },
    // Beyond this Node resets the stream; up to it, head_guard.ts can still say why.
    maxHeaderListPairs: 2 * limits.maxHeaders,
    maxSettings: MAX_SETTINGS,
    maxSessionMemory: MAX_MEGABYTES_OF_A_SESSION,
    // Empty DATA frames count as invalid ones.
    maxSessionInvalidFrames: MAX_INVALID_FRAMES,
    // Streams above the limit, which a client may open until it has read of it.
    maxSessionRejectedStreams: limits.maxConcurrentStreams,
    streamResetBurst: limits.streamResets.burst,
    streamResetRate: limits.streamResets.perSecond,
    unknownProtocolTimeout: limits.headersTimeout,
  };
}
