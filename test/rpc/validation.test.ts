import { create, type DescField, type DescMessage, fromBinary, getOption } from "@bufbuild/protobuf";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { CancellationService, CancelProcessRequestSchema } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { ExecutionService, RegisterExecutionRequestSchema } from "../../gen/belay/v1/execution_service_pb.ts";
import { HeartbeatRequestSchema, WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { warmUp } from "../../src/rpc/routes.ts";
import { findViolations } from "../../src/rpc/violations.ts";
import { errorOf, openDoor } from "./double.ts";

const SERVICES = [CancellationService, ExecutionService, WorkerService];

describe("validation", () => {
  it("refuses a request before any use case sees it, with every broken field named", async () => {
    const door = openDoor({});
    // Binary, because no type of ours lets an unknown strategy through: field 3 is 99, field 4 is -1.
    const request = fromBinary(CancelProcessRequestSchema, Uint8Array.of(24, 99, 32, ...Array(9).fill(255), 1));

    const error = await errorOf(door.cancellations.cancelProcess(request));

    expect(error.code).toBe(Code.InvalidArgument);
    expect(door.statuses).toEqual([422]);
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations).toMatchObject([
      { field: "process_id", description: "is required" },
      { field: "reason", description: "is required" },
      { field: "strategy", description: "must be one of STRATEGY_SOFT, STRATEGY_HARD, STRATEGY_SOFT_THEN_FORCE" },
      { field: "force_after_seconds", description: "must be greater than or equal to 0" },
      { field: "requested_by", description: "is required" },
    ]);
  });

  it("answers a process instance key that is no number with the status of its kind", async () => {
    const door = openDoor({});

    const error = await errorOf(door.cancellations.cancelProcessInstance({ processInstanceKey: "abc" }));

    expect(error.rawMessage).toBe("process_instance_key must be an integer of up to 25 digits");
    expect(door.statuses).toEqual([400]);
  });

  it("refuses the requests of streams too", async () => {
    const door = openDoor({});

    const read = async () => {
      for await (const _ of door.workers.attach({})) expect.fail("no message was sent");
    };
    const error = await errorOf(read());

    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toBe("worker_id is required");
  });

  it("can be prepared for every request of the contract", () => {
    expect(warmUp).not.toThrow();
  });
});

describe("the words of a violation", () => {
  it("place it by the contract's own names", () => {
    const request = create(HeartbeatRequestSchema, { workerId: "w", leases: [{ token: 1n }, { execution: {} }] });

    expect(findViolations(HeartbeatRequestSchema, request)).toEqual([
      { field: "leases[0].execution", description: "is required" },
      { field: "leases[1].execution.kind", description: "is required" },
      { field: "leases[1].execution.id", description: "is required" },
      { field: "leases[1].token", description: "must be greater than or equal to 1" },
    ]);
  });

  it("of a rule about a whole message name the member that it is about", () => {
    const request = create(RegisterExecutionRequestSchema, {
      kind: Kind.PROCESS_INSTANCE,
      id: "order-7",
      queueItems: [{ id: "a" }, { id: "a" }],
      detail: { case: "process", value: {} },
      labels: { "": "empty" },
    });

    expect(findViolations(RegisterExecutionRequestSchema, request)).toEqual(
      expect.arrayContaining([
        { field: "id", description: "the id of a process instance is an integer of up to 25 digits" },
        { field: "detail", description: "must be that of the kind" },
        { field: "queue_items", description: "ids must be unique" },
        { field: 'labels[""]', description: "key must be at least 1 characters" },
      ]),
    );
  });

  it("of a pattern say what it means, for every pattern of the contract", () => {
    const fields = SERVICES.flatMap((service) => service.methods).flatMap(({ input }) => fieldsWithin(input));
    const patterns = new Set(fields.map(patternOf).filter((pattern) => pattern !== ""));

    expect(patterns.size).toBeGreaterThan(0);
    for (const pattern of patterns) {
      const field = fields.find((candidate) => patternOf(candidate) === pattern && candidate.fieldKind === "scalar")!;
      const broken = create(field.parent, { [field.localName]: "a\u0000b" });
      const [violation] = findViolations(field.parent, broken).filter((found) => found.field === field.name);
      expect(violation?.description).toMatch(/^must (be an integer|not contain control characters)/);
    }
  });

  it("are none for a valid request", () => {
    const request = create(CancelProcessRequestSchema, { processId: "p", reason: "r", requestedBy: {} });

    expect(findViolations(CancelProcessRequestSchema, request)).toEqual([]);
  });
});

/** Every field of a message, at any depth. */
function fieldsWithin(schema: DescMessage, seen = new Set<DescMessage>()): DescField[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  return schema.fields.flatMap((field) => [field, ...(field.message ? fieldsWithin(field.message, seen) : [])]);
}

function patternOf(field: DescField): string {
  const { type } = getOption(field, fieldRules);
  return type.case === "string" ? type.value.pattern : "";
}
