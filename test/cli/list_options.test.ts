import { describe, expect, it } from "vitest";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { parseExecutionRef } from "../../src/cli/execution_ref_option.ts";
import { parseLabel, parseSince, parseStates } from "../../src/cli/list_options.ts";

describe("the options of belay list", () => {
  it("takes several states at once and one after another", () => {
    const states = parseStates("failed", parseStates("running,CANCELLING"));

    expect(states).toEqual([ExecutionState.RUNNING, ExecutionState.CANCELLING, ExecutionState.FAILED]);
  });

  it("splits a label at its first equals sign", () => {
    expect(parseLabel("query=a=b", { team: "x" })).toEqual({ team: "x", query: "a=b" });
  });

  it("splits a parent at its first slash, since an id may hold others", () => {
    expect(parseExecutionRef("process_instance/12")).toMatchObject({ kind: Kind.PROCESS_INSTANCE, id: "12" });
    expect(parseExecutionRef("process/a/b")).toMatchObject({ kind: Kind.PROCESS, id: "a/b" });
  });

  it("reads a time with its zone", () => {
    expect(parseSince("2026-01-05T12:00:00+02:00").toISOString()).toBe("2026-01-05T10:00:00.000Z");
  });

  it.each(["1w", "h", "-1h", "2026-13-40", "", "99999999999d"])("refuses %j as a time", (text) => {
    expect(() => parseSince(text)).toThrow(/It must be a span such as/);
  });

  it.each(["team", "=x"])("refuses %j as a label", (text) => {
    expect(() => parseLabel(text)).toThrow("It must be name=value.");
  });
});
