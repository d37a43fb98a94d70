import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { type TimelineEvent, TimelineEventSchema } from "../../gen/belay/v1/cancellation_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { follow } from "../../src/cli/follow.ts";

const never = new AbortController().signal;
const lost = new ConnectError("the connection broke", Code.Unavailable);

function refusal(reason: string): ConnectError {
  return new ConnectError("refused", Code.NotFound, undefined, [
    { desc: ErrorInfoSchema, value: { reason, domain: "belay.v1" } },
  ]);
}

/** Opens one script after another: the sequences of the events it sends, and the error it ends with. */
function scripted(...scripts: readonly (readonly (number | ConnectError)[])[]) {
  const openedAfter: bigint[] = [];
  const left = [...scripts];
  const open = async function* (afterSequence: bigint) {
    openedAfter.push(afterSequence);
    for (const step of left.shift() ?? []) {
      if (step instanceof ConnectError) throw step;
      yield { event: create(TimelineEventSchema, { sequence: BigInt(step) }) };
    }
  };
  return { open, openedAfter };
}

async function sequencesOf(events: AsyncIterable<TimelineEvent>): Promise<number[]> {
  const sequences: number[] = [];
  for await (const { sequence } of events) sequences.push(Number(sequence));
  return sequences;
}

describe("following a timeline", () => {
  it("ends when the server ends it", async () => {
    const { open, openedAfter } = scripted([3, 4]);

    expect(await sequencesOf(follow(open, never, () => {}))).toEqual([3, 4]);
    expect(openedAfter).toEqual([0n]);
  });

  it("resumes after the last event when the connection breaks, and tells of the loss once", async () => {
    const { open, openedAfter } = scripted([3, 4, lost], [lost], [5]);
    let losses = 0;

    const sequences = await sequencesOf(
      follow(open, never, () => {
        losses += 1;
      }),
    );

    expect(sequences).toEqual([3, 4, 5]);
    expect(openedAfter).toEqual([0n, 4n, 4n]);
    expect(losses).toBe(1);
  });

  it("gives up at once if the server was never reached", async () => {
    const { open, openedAfter } = scripted([lost]);

    await expect(sequencesOf(follow(open, never, () => {}))).rejects.toBe(lost);
    expect(openedAfter).toHaveLength(1);
  });

  it("does not ask again after a refusal", async () => {
    const { open, openedAfter } = scripted([3, refusal("EXECUTION_NOT_FOUND")]);

    await expect(sequencesOf(follow(open, never, () => {}))).rejects.toThrow("refused");
    expect(openedAfter).toHaveLength(1);
  });
});
