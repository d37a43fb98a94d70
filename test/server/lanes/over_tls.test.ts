/** A part of the table over TLS, where answers have headers that they do not have in cleartext. */
import { expect, it, onTestFinished } from "vitest";
import { openTls } from "../../../src/server/tls.ts";
import { createAuthority } from "../certificate_authority.ts";
import { createLog } from "../log_under_test.ts";
import { filesOf } from "../tls_under_test.ts";
import { cancel, INVALID, MALFORMED, NOT_FOUND, OK, overEach } from "./cases/cancel.ts";
import { openLanePair } from "./lane_pair.ts";
import { mirrorBackend } from "./mirror_backend.ts";
import { WIRES } from "./wire.ts";

const authority = await createAuthority();
const server = await authority.issue({ commonName: "server" });

async function openPairOverTls() {
  const tls = await openTls(filesOf(server), { logger: createLog().logger });
  onTestFinished(() => tls.close());
  const pair = await openLanePair(mirrorBackend(), { tls }, authority.cert);
  onTestFinished(() => pair.close());
  return pair;
}

it.each(WIRES)("over %s and TLS, both lanes answer alike", async (wire) => {
  const pair = await openPairOverTls();

  for (const one of [
    ...overEach([wire], "an answer", cancel("sends metadata"), {}, OK),
    ...overEach([wire], "an error of a handler", cancel("missing"), {}, NOT_FOUND),
    ...overEach([wire], "a request that is invalid", cancel(""), {}, INVALID),
    ...overEach([wire], "a request that can't be read", Buffer.from([0xff]), {}, MALFORMED),
  ]) {
    await pair.compare(one);
  }

  expect(pair.lane.log.lines).toHaveLength(pair.connect.log.lines.length);
});
