import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { getOption } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ErrorReasonSchema } from "../../gen/belay/v1/error_reason_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { http_statuses } from "../../gen/belay/v1/http_status_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { printStatusTables } from "../../scripts/print-status-table.ts";

const METHODS = [CancellationService, ExecutionService, WorkerService].flatMap((service) => [...service.methods]);

describe("docs/status-codes.md", () => {
  it("says what the contract says; if not, run scripts/status-table.ts", () => {
    const page = readFileSync(resolve(import.meta.dirname, "../../docs/status-codes.md"), "utf8");

    const [, tables] = page.split("<!-- Below: made by scripts/status-table.ts from the contract. -->\n\n");

    expect(tables).toBe(printStatusTables());
  });
});

describe("the statuses that the contract documents", () => {
  it("name only reasons that there are", () => {
    const known = ErrorReasonSchema.values.map(({ name }) => name.replace(/^ERROR_REASON_/, ""));

    const reasons = METHODS.flatMap((method) => getOption(method, http_statuses).errors.map(({ reason }) => reason));

    expect(reasons.filter((reason) => reason !== "" && !known.includes(reason))).toEqual([]);
  });

  it("leave none out by an entry for the same code that stands before", () => {
    const hidden = METHODS.flatMap((method) => {
      const { errors } = getOption(method, http_statuses);
      return errors.filter(({ code, reason }, index) =>
        errors.slice(0, index).some((entry) => entry.code === code && (entry.reason === "" || entry.reason === reason)),
      );
    });

    expect(hidden).toEqual([]);
  });
});
