import { expect, test } from "vitest";
import { readAnswerHead } from "../../bench/load/http2/answer_head.ts";

/** HPACK blocks, as servers write them that were told to use no dynamic table. */
const STATUS_200 = Buffer.of(0x88);
const SMALLER_TABLE = Buffer.of(0x20);
const GRPC_STATUS_HUFFMAN = Buffer.from("9acac8b21234da8f", "hex");

function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
}

test("a status of HPACK's static table", () => {
  expect(readAnswerHead(Buffer.concat([SMALLER_TABLE, STATUS_200]))).toEqual({ status: "200", grpcStatus: null });
});

test("a status that is written out, under the static table's name", () => {
  const block = Buffer.concat([Buffer.of(0x08, 3), Buffer.from("503")]);
  expect(readAnswerHead(block)).toEqual({ status: "503", grpcStatus: null });
});

test("a gRPC status between other headers, longer ones too", () => {
  const long = Buffer.concat([Buffer.of(0, 1), Buffer.from("x"), Buffer.of(0x7f, 0x80, 0x01), Buffer.alloc(255, "y")]);
  const block = Buffer.concat([STATUS_200, literal("date", "today"), long, literal("grpc-status", "13")]);
  expect(readAnswerHead(block)).toEqual({ status: "200", grpcStatus: "13" });
});

test("a gRPC status whose name is in Huffman's code, indexed or not", () => {
  for (const first of [0x00, 0x10, 0x40]) {
    const name = Buffer.concat([Buffer.of(first, 0x80 | GRPC_STATUS_HUFFMAN.length), GRPC_STATUS_HUFFMAN]);
    expect(readAnswerHead(Buffer.concat([name, Buffer.of(1), Buffer.from("0")])).grpcStatus).toBe("0");
  }
});

test("a value in Huffman's code is shown as such, and taken for nothing else", () => {
  const block = Buffer.concat([Buffer.of(0, 11), Buffer.from("grpc-status"), Buffer.of(0x81, 0x07)]);
  expect(readAnswerHead(block).grpcStatus).toBe("(Huffman 07)");
});

test("a block that ends too early is refused", () => {
  expect(() => readAnswerHead(Buffer.of(0, 11, 0x67))).toThrow("ends inside a text");
  expect(() => readAnswerHead(Buffer.of(0xff))).toThrow("ends inside a number");
});
