/** The headers of a gRPC request, in HPACK (RFC 7541) without its dynamic table: the same bytes for every call. */

/** Where headers stand in HPACK's static table. */
const POST = 0x83;
const HTTP = 0x86;
const STATIC = { authority: 1, path: 4, contentType: 31 } as const;

/** An index, or a length, that does not fit into the bits that its first byte leaves, goes on in the next byte. */
const MAX_TEXT = 126;
const MAX_NAME_INDEX = 15;

export function requestHead(authority: string, path: string): Buffer {
  return Buffer.concat([
    Buffer.of(POST, HTTP),
    knownName(STATIC.path, path),
    knownName(STATIC.authority, authority),
    knownName(STATIC.contentType, "application/grpc+proto"),
    Buffer.of(0),
    text("te"),
    text("trailers"),
  ]);
}

/** "Literal header field without indexing", its name from the static table. */
function knownName(index: number, value: string): Buffer {
  const name = index < MAX_NAME_INDEX ? Buffer.of(index) : Buffer.of(MAX_NAME_INDEX, index - MAX_NAME_INDEX);
  return Buffer.concat([name, text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length > MAX_TEXT) throw new Error(`a header of the benchmark is longer than ${MAX_TEXT} bytes: ${value}`);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}
