import fc from "fast-check";
import { expect, test } from "vitest";
import { contentOf, FLAG, FRAME, frameOf, frameReader } from "../../bench/load/http2/frames.ts";
import { cuts, inPieces } from "./pieces.ts";

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: string;
}

const frames: fc.Arbitrary<Frame[]> = fc.array(
  fc.record({
    type: fc.nat(9),
    flags: fc.nat(255),
    stream: fc.nat(2 ** 31 - 1),
    payload: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  }),
  { maxLength: 8 },
);

test("frames are told one by one as they were sent, in whatever pieces they arrive", () => {
  fc.assert(
    fc.property(frames, cuts, (sent, at) => {
      const bytes = Buffer.concat(
        sent.map(({ type, flags, stream, payload }) => frameOf(type, flags, stream, Buffer.from(payload, "hex"))),
      );
      const told: Frame[] = [];
      const read = frameReader((type, flags, stream, payload) => {
        told.push({ type, flags, stream, payload: payload.toString("hex") });
      });
      for (const piece of inPieces(bytes, at)) read(piece);
      expect(told).toEqual(sent);
    }),
  );
});

test("padding and priority are no content", () => {
  const text = Buffer.from("content");
  const padded = Buffer.concat([Buffer.of(2), text, Buffer.alloc(2)]);
  expect(contentOf(FRAME.data, FLAG.padded, padded).toString()).toBe("content");
  const prioritized = Buffer.concat([Buffer.of(2), Buffer.alloc(5), text, Buffer.alloc(2)]);
  expect(contentOf(FRAME.headers, FLAG.padded | FLAG.priority, prioritized).toString()).toBe("content");
  expect(contentOf(FRAME.data, FLAG.endStream, text)).toBe(text);
});
