/** gRPC's framing of a message: one byte that says whether it is compressed, four of length, then the message. */

const PREFIX_LENGTH = 5;

export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(PREFIX_LENGTH + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_LENGTH);
  return framed;
}

/** The message of a body that consists of one uncompressed frame. */
export function unframe(body: Buffer): Uint8Array {
  const isWhole = body.length >= PREFIX_LENGTH && body[0] === 0 && body.readUInt32BE(1) === body.length - PREFIX_LENGTH;
  if (!isWhole) throw new Error(`a body of ${body.length} bytes is not one uncompressed gRPC frame`);
  return body.subarray(PREFIX_LENGTH);
}
