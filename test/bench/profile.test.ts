import { expect, test } from "vitest";
import { areaOf } from "../../bench/profile/area.ts";
import { areaTimes, selfTimes } from "../../bench/profile/self_times.ts";

function frame(
  functionName: string,
  url = "",
  lineNumber = 9,
): { functionName: string; url: string; lineNumber: number } {
  return { functionName, url, lineNumber };
}

test.each([
  ["a room of ours", frame("decide", "file:///home/me/belay/src/domain/decide.ts"), "src/domain"],
  ["a room of the built package", frame("decide", "file:///x/dist/src/domain/decide.js"), "src/domain"],
  ["generated code", frame("x", "file:///x/gen/belay/v1/a_pb.ts"), "gen"],
  ["a package", frame("x", "file:///x/node_modules/pino/lib/a.js"), "pino"],
  ["a package with a scope", frame("x", "file:///x/node_modules/@bufbuild/re2/a.js"), "@bufbuild/re2"],
  ["a package inside another", frame("x", "file:///x/node_modules/a/node_modules/b/c.js"), "b"],
  ["Connect", frame("x", "file:///x/node_modules/@connectrpc/connect-node/a.js"), "connect"],
  ["protobuf", frame("x", "file:///x/node_modules/@bufbuild/protobuf/a.js"), "protobuf"],
  ["protovalidate", frame("x", "file:///x/node_modules/@bufbuild/protovalidate/a.js"), "protovalidate"],
  ["Node's HTTP/2", frame("x", "node:internal/http2/core"), "node:http2"],
  ["Node's HTTP/1.1", frame("x", "node:_http_server"), "node:http"],
  ["Node's streams", frame("x", "node:internal/streams/readable"), "node: sockets and streams"],
  ["the rest of Node", frame("x", "node:internal/timers"), "node: other"],
  ["garbage collection", frame("(garbage collector)"), "garbage collection"],
  ["a native function", frame("writev"), "the caller"],
  ["SQLite's statements", frame("run", "file:///x/src/store/sqlite/prepare.ts"), "better-sqlite3"],
])("%s has its area", (_, callFrame, area) => {
  expect(areaOf(callFrame, "the caller")).toBe(area);
});

const PROFILE = {
  startTime: 1_000,
  nodes: [
    { id: 1, callFrame: frame("(root)"), children: [2, 4] },
    { id: 2, callFrame: frame("decide", "file:///x/src/domain/decide.ts"), children: [3] },
    { id: 3, callFrame: frame("native") },
    { id: 4, callFrame: frame("(idle)") },
  ],
  // Taken at 1,000, 1,010, 1,020, 1,040 and 1,050.
  samples: [2, 3, 4, 2, 2],
  timeDeltas: [0, 10, 10, 20, 10],
};

test("a function has the time until the next sample, and idleness counts for nothing", () => {
  const times = selfTimes(PROFILE, { from: 0, until: 2_000 });
  expect(times).toEqual([
    { name: "decide src/domain/decide.ts:10", area: "src/domain", micros: 20 },
    { name: "native", area: "src/domain", micros: 10 },
  ]);
  expect(areaTimes(times)).toEqual([{ area: "src/domain", micros: 30 }]);
});

test("only samples of the span count", () => {
  expect(selfTimes(PROFILE, { from: 1_005, until: 1_030 })).toEqual([
    { name: "native", area: "src/domain", micros: 10 },
  ]);
});
