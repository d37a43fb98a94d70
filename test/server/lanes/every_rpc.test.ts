/** The generated part of the table: every unary RPC over every wire. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { belayBackend } from "./belay_backend.ts";
import { EVERY_RPC, furnishEveryRpc } from "./cases/every_rpc.ts";
import { type LanePair, openLanePair } from "./lane_pair.ts";

describe("every unary RPC is answered alike by both lanes:", () => {
  let pair: LanePair;
  beforeAll(async () => {
    pair = await openLanePair(belayBackend({ furnish: furnishEveryRpc }));
  });
  afterAll(() => pair.close());

  it.each([...EVERY_RPC])("$name", (one) => pair.compare(one));
});
