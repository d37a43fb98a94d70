/** The header in which gRPC says in words what went wrong. */

const GRPC_MESSAGE = "grpc-message";

// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses: Percent-Encoded
const ENCODED = /[^\x20-\x24\x26-\x7e]+/gu;

/**
 * Makes the message of an error readable for every client. Connect encodes each character that a URL could not hold, and many clients only
 * decode those that gRPC says are encoded: they would show "can%3B" to people.
 */
export function encodeGrpcMessage(trailer: Readonly<Record<string, string>>): Record<string, string> {
  const message = trailer[GRPC_MESSAGE];
  if (message === undefined) return trailer;
  return { ...trailer, [GRPC_MESSAGE]: decodeURIComponent(message).replaceAll(ENCODED, encodeURIComponent) };
}
