/** The headers that tell a browser how little it may do with an answer. */

// A year, as browsers advise. They heed it only over TLS, and never for an address without a name.
const STRICT_TRANSPORT = "max-age=31536000";

const HEADERS = {
  // JSON stays JSON, whatever a message of ours looks like.
  "x-content-type-options": "nosniff",
  // What is running changes by the second, and is nobody else's business.
  "cache-control": "no-store",
  // No answer is a page: nothing may be loaded from one, and none be shown in another's frame.
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
} as const;

const HEADERS_OVER_TLS = { ...HEADERS, "strict-transport-security": STRICT_TRANSPORT } as const;

/** For every answer but those of gRPC, which no browser reads. */
export function securityHeaders(encrypted: boolean): Readonly<Record<string, string>> {
  return encrypted ? HEADERS_OVER_TLS : HEADERS;
}
