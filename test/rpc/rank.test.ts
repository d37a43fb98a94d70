import { describe, expect, it } from "vitest";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { DIALECTS } from "../../src/rest/dialects.ts";
import { rankOf } from "../../src/rpc/rank.ts";
import { SERVICES } from "../../src/rpc/routes.ts";

const METHODS = SERVICES.flatMap((service) => service.methods);

describe("the rank of a call", () => {
  it("is given by the contract to every RPC", () => {
    const unranked = METHODS.filter((method) => rankOf(method) === null).map((method) => String(method));
    expect(unranked).toEqual([]);
  });

  it("is the highest for every cancel, over every door", () => {
    const cancels = METHODS.filter(({ name }) => name.startsWith("Cancel"));
    const routes = DIALECTS.flatMap((dialect) => dialect.routes).filter(({ path }) => path.endsWith("/cancel"));

    expect(cancels.length).toBeGreaterThan(5);
    expect(new Set(cancels.map(rankOf))).toEqual(new Set(["critical"]));
    expect(new Set(routes.map(({ rank }) => rank))).toEqual(new Set(["critical"]));
  });

  it("is the highest for what workers report", () => {
    const { startExecution, ...reports } = WorkerService.method;
    expect(new Set(Object.values(reports).map(rankOf))).toEqual(new Set(["critical"]));
    expect(rankOf(startExecution)).toBe("write");
  });

  it("is the lowest for what lists and what goes on", () => {
    const lists = METHODS.filter(({ name }) => name.startsWith("List") || name.startsWith("Watch"));
    expect(new Set(lists.map(rankOf))).toEqual(new Set(["list"]));
    expect(rankOf(CancellationService.method.getCancellation)).toBe("read");
  });
});
