import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CancelProcessRequest, CancelProcessRequestSchema } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { fingerprintOf } from "../../src/rpc/idempotency.ts";
import type { Idempotency } from "../../src/service/service.ts";
import { errorOf, openDoor } from "./double.ts";
import { executionOf } from "./samples.ts";

const request = { processId: "p-1", reason: "wrong phone", requestedBy: { system: "bot" } };

function fingerprint(change: Partial<Omit<CancelProcessRequest, "$typeName">> = {}): string {
  return fingerprintOf(CancelProcessRequestSchema, create(CancelProcessRequestSchema, { ...request, ...change }));
}

describe("the fingerprint of a request", () => {
  it("is SHA-256 in hex", () => {
    expect(fingerprint()).toMatch(/^[0-9a-f]{64}$/);
  });

  it("does not depend on the command id", () => {
    expect(fingerprint({ commandId: "a" })).toBe(fingerprint({ commandId: "b" }));
  });

  it.each([
    ["its subject", { processId: "p-2" }],
    ["its strategy", { strategy: 2 }],
    ["a span, even if it is zero", { forceAfterSeconds: 0 }],
    ["its reason", { reason: "other" }],
  ] as const)("depends on %s", (_case, change) => {
    expect(fingerprint(change)).not.toBe(fingerprint());
  });

  it("does not depend on the order in which the members of a map were sent", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (metadata) => {
        const reversed = Object.fromEntries(Object.entries(metadata).reverse());
        expect(fingerprintWith(reversed)).toBe(fingerprintWith(metadata));
      }),
    );
  });

  it("tells a list in another order apart", () => {
    expect(fingerprintWith({ tags: ["a", "b"] })).not.toBe(fingerprintWith({ tags: ["b", "a"] }));
  });
});

function fingerprintWith(metadata: Record<string, unknown>): string {
  const json = JSON.parse(JSON.stringify(metadata));
  const message = create(CancelProcessRequestSchema, { ...request, requestedBy: { metadata: json } });
  return fingerprintOf(CancelProcessRequestSchema, message);
}

/** What the service is told of the command behind a call. */
async function commandOf(commandId: string, header?: string): Promise<Idempotency | null> {
  const seen: (Idempotency | null)[] = [];
  const door = openDoor({
    cancel: ({ idempotency }) => {
      seen.push(idempotency);
      return Promise.resolve({
        disposition: "already_finished",
        execution: executionOf("process"),
        timeline: [],
        flagRaised: false,
      });
    },
  });
  const headers: Record<string, string> = header === undefined ? {} : { "idempotency-key": header };
  await door.cancellations.cancelProcess({ ...request, commandId }, { headers });
  return seen[0] ?? null;
}

describe("the command behind a call", () => {
  it("is named by command_id, within its caller and its method", async () => {
    expect(await commandOf("cmd-1")).toEqual({
      principal: "anonymous",
      method: "CancelProcess",
      commandId: "cmd-1",
      fingerprint: fingerprint(),
    });
  });

  it.each([
    ["bare", "8e03978e-40d5", "8e03978e-40d5"],
    ["as a string", '"8e03978e-40d5"', "8e03978e-40d5"],
    ["as a string with escapes", '"a\\"b\\\\c"', 'a"b\\c'],
  ])("is named by the header Idempotency-Key too, %s", async (_case, header, commandId) => {
    expect(await commandOf("", header)).toMatchObject({ commandId });
  });

  it("is named by command_id if both are there", async () => {
    expect(await commandOf("cmd-1", "cmd-2")).toMatchObject({ commandId: "cmd-1" });
  });

  it.each([[undefined], [""], ['""']])("is none without either: %s", async (header) => {
    expect(await commandOf("", header)).toBeNull();
  });

  it.each([['"open'], ['"a" b"'], ["k".repeat(256)], ["sch\u00f6n"]])("can't be named so: %s", async (header) => {
    const error = await errorOf(commandOf("", header));

    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe("Idempotency-Key");
  });
});
