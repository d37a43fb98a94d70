/**
 * What a gRPC answer says in its headers and trailers: `:status` and `grpc-status`. They are read from the HPACK block itself. Servers
 * are told to use no dynamic table, so that each block stands for itself; other headers are passed over.
 */

export interface AnswerHead {
  /** Null: the block has none. */
  readonly status: string | null;
  readonly grpcStatus: string | null;
}

/** What `:status` is where HPACK's static table holds it whole, from index 8 on. */
const FIRST_STATUS = 8;
const STATUSES = ["200", "204", "206", "304", "400", "404", "500"];

/** "grpc-status" as it is, and in HPACK's Huffman code. */
const GRPC_STATUS = Buffer.from("grpc-status");
const GRPC_STATUS_HUFFMAN = Buffer.from("9acac8b21234da8f", "hex");

export function readAnswerHead(block: Buffer): AnswerHead {
  const cursor: Cursor = { block, at: 0 };
  let status: string | null = null;
  let grpcStatus: string | null = null;
  while (cursor.at < block.length) {
    const first = block[cursor.at] ?? 0;
    if (first & 0x80) {
      const index = readInteger(cursor, 7);
      if (isStatus(index)) status = STATUSES[index - FIRST_STATUS] ?? null;
      continue;
    }
    if ((first & 0xe0) === 0x20) {
      // The server says that it makes its dynamic table smaller.
      readInteger(cursor, 5);
      continue;
    }
    const index = readInteger(cursor, first & 0x40 ? 6 : 4);
    const name = index === 0 ? readText(cursor).bytes : null;
    const value = readText(cursor);
    if (isStatus(index)) status = textOf(value);
    else if (name !== null && (name.equals(GRPC_STATUS) || name.equals(GRPC_STATUS_HUFFMAN)))
      grpcStatus = textOf(value);
  }
  return { status, grpcStatus };
}

function isStatus(index: number): boolean {
  return index >= FIRST_STATUS && index < FIRST_STATUS + STATUSES.length;
}

interface Cursor {
  readonly block: Buffer;
  at: number;
}

/** An integer whose beginning is the last `bits` bits of the next byte. */
function readInteger(cursor: Cursor, bits: number): number {
  const { block } = cursor;
  const mask = 2 ** bits - 1;
  let value = (block[cursor.at++] ?? 0) & mask;
  if (value < mask) return value;
  for (let shift = 0; ; shift += 7) {
    const byte = block[cursor.at++];
    if (byte === undefined) throw new Error("a header block ends inside a number");
    value += (byte & 0x7f) * 2 ** shift;
    if ((byte & 0x80) === 0) return value;
  }
}

interface HeaderText {
  readonly bytes: Buffer;
  readonly isHuffman: boolean;
}

function readText(cursor: Cursor): HeaderText {
  const isHuffman = ((cursor.block[cursor.at] ?? 0) & 0x80) !== 0;
  const end = readInteger(cursor, 7) + cursor.at;
  if (end > cursor.block.length) throw new Error("a header block ends inside a text");
  const bytes = cursor.block.subarray(cursor.at, end);
  cursor.at = end;
  return { bytes, isHuffman };
}

/** Encoders leave short numbers as they are: in Huffman's code they are no shorter. */
function textOf({ bytes, isHuffman }: HeaderText): string {
  return isHuffman ? `(Huffman ${bytes.toString("hex")})` : bytes.toString("latin1");
}
