/**
 * The table of cases: each is asked of two servers, one that serves unary calls by the lane and one that leaves them to Connect, and
 * everything that comes of it is compared. Where a case is the like of one of the Connect conformance suite, it has that one's name; each
 * of the suite's cases for unary calls to servers is here, but for the certificates of clients, which end before the lanes begin.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BODIES, MAX_BODY_BYTES } from "./cases/bodies.ts";
import { COMPRESSION } from "./cases/compression.ts";
import { CONTENT_TYPES } from "./cases/content_types.ts";
import { ERRORS } from "./cases/errors.ts";
import { HTTP1 } from "./cases/http1.ts";
import { JSON_BODIES } from "./cases/json.ts";
import { LARGE } from "./cases/large.ts";
import { LEAVING } from "./cases/leaving.ts";
import { METADATA } from "./cases/metadata.ts";
import { PATHS_AND_METHODS } from "./cases/paths.ts";
import { SLOW } from "./cases/slow.ts";
import { CORS_ORIGIN, SURROUNDINGS } from "./cases/surroundings.ts";
import { TIMEOUTS } from "./cases/timeouts.ts";
import { type LanePair, openLanePair } from "./lane_pair.ts";
import { mirrorBackend } from "./mirror_backend.ts";

/** How long the servers wait for what a request begins with, and for all of it. */
const PATIENCE = 800;

const TABLE = {
  METADATA,
  TIMEOUTS,
  PATHS_AND_METHODS,
  CONTENT_TYPES,
  BODIES,
  COMPRESSION,
  JSON_BODIES,
  ERRORS,
  HTTP1,
  LARGE,
  LEAVING,
  SLOW,
  SURROUNDINGS,
};

describe("a unary call is answered alike by both lanes:", () => {
  let pair: LanePair;
  beforeAll(async () => {
    pair = await openLanePair(mirrorBackend(), {
      limits: {
        maxBodyBytes: MAX_BODY_BYTES,
        requestTimeout: PATIENCE,
        headersTimeout: PATIENCE,
        stallTimeout: PATIENCE / 2,
      },
      corsOrigins: [CORS_ORIGIN],
    });
  });
  afterAll(() => pair.close());

  it.each(Object.values(TABLE).flat())("$name", (one) => pair.compare(one));

  it("and no server logs anything after that", () => {
    expect(pair.lane.log.lines).toHaveLength(pair.connect.log.lines.length);
  });
});
