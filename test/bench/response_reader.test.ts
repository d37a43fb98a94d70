import fc from "fast-check";
import { expect, test } from "vitest";
import { responseReader } from "../../bench/load/http1/response_reader.ts";
import { cuts, inPieces } from "./pieces.ts";

interface Told {
  readonly status: number;
  readonly body: string;
}

function readAll(pieces: readonly Buffer[]): Told[] {
  const told: Told[] = [];
  const read = responseReader((status, body) => told.push({ status, body: body.toString("latin1") }));
  for (const piece of pieces) read(piece);
  return told;
}

const text = fc.string({ maxLength: 40 }).map((some) => some.replaceAll(/[^\x20-\x7e]/g, "?"));
const status = fc.constantFrom(200, 404, 503);

/** A response with a length, or in as many chunks as there are texts. */
const response = fc.oneof(
  fc.record({ status, body: text }).map((told) => ({
    told,
    bytes: `HTTP/1.1 ${told.status} Words\r\nX-Other: 1\r\nContent-Length: ${told.body.length}\r\n\r\n${told.body}`,
  })),
  fc.record({ status, chunks: fc.array(text.filter((some) => some !== "")) }).map(({ status: code, chunks }) => ({
    told: { status: code, body: chunks.join("") },
    bytes:
      `HTTP/1.1 ${code} Words\r\ntransfer-encoding: chunked\r\n\r\n` +
      `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("")}0\r\n\r\n`,
  })),
);

test("responses are told one by one as they were sent, in whatever pieces they arrive", () => {
  fc.assert(
    fc.property(fc.array(response, { maxLength: 5 }), cuts, (sent, at) => {
      const bytes = Buffer.from(sent.map((one) => one.bytes).join(""), "latin1");
      expect(readAll(inPieces(bytes, at))).toEqual(sent.map(({ told }) => told));
    }),
  );
});

test("a response that is not whole is not told", () => {
  expect(readAll([Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfour")])).toEqual([]);
});

test("no content is an empty body", () => {
  expect(readAll([Buffer.from("HTTP/1.1 204 No Content\r\n\r\n")])).toEqual([{ status: 204, body: "" }]);
});

test.each([
  ["what is no response", "SSH-2.0-OpenSSH_9.9\r\n\r\n", "not a response"],
  ["a response without a length", "HTTP/1.1 200 OK\r\nserver: x\r\n\r\n", "does not tell its length"],
])("%s is refused", (_, bytes, message) => {
  expect(() => readAll([Buffer.from(bytes)])).toThrow(message);
});
