import { getOption } from "@bufbuild/protobuf";
import { createConnectRouter } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { scopes } from "../../gen/belay/v1/scopes_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { SCOPES } from "../../src/gate/scope.ts";
import { DIALECTS } from "../../src/rest/dialects.ts";
import { problemOf } from "../../src/rest/problem.ts";
import { routes } from "../../src/rpc/routes.ts";
import { useCasesDouble } from "../rpc/double.ts";
import { declaredScopes, nameOf, RPCS } from "./access_points.ts";

const ROUTES = DIALECTS.flatMap(({ name, routes, cancel }) =>
  routes.map((route) => ({ dialect: name, cancel, route })),
);

const isKnown = (scope: string): boolean => SCOPES.some((known) => known === scope);

describe("the contract", () => {
  it("names for each RPC the scopes that let a caller in, and each of them is one", () => {
    const undeclared = RPCS.filter((rpc) => declaredScopes(rpc).length === 0).map(nameOf);
    const unknown = RPCS.filter((rpc) => !declaredScopes(rpc).every(isKnown)).map(nameOf);

    expect({ undeclared, unknown }).toEqual({ undeclared: [], unknown: [] });
  });

  it("names them for each route of the dialects too; only where tokens come from there are none", () => {
    const open = ROUTES.filter(({ route }) => route.scopes === null).map(({ route }) => route.path);
    const undeclared = ROUTES.filter(({ route }) => route.scopes?.length === 0).map(({ route }) => route.path);
    const unknown = ROUTES.filter(({ route }) => !(route.scopes ?? []).every(isKnown)).map(({ route }) => route.path);

    expect({ open, undeclared, unknown }).toEqual({
      open: ["/oauth/token", "/oauth2/token"],
      undeclared: [],
      unknown: [],
    });
  });

  it("asks for the same scope at the route of a cancel as at the RPC behind it", () => {
    const cancels = ROUTES.filter(({ route }) => /\/(cancel|cancellation|cancel-workflow)$/.test(route.path));

    expect(cancels.length).toBeGreaterThanOrEqual(DIALECTS.length);
    for (const { route, cancel } of cancels) expect(route.scopes, route.path).toEqual(getOption(cancel, scopes));
  });

  it("answers refused callers with the statuses that the products document", () => {
    const statuses = DIALECTS.map(({ name, error }) => {
      const [unknown, notPermitted] = (["unauthenticated", "permission_denied"] as const).map(
        (reason) => error(problemOf(reason, "no"), "/").status,
      );
      return [name, unknown, notPermitted];
    });

    expect(statuses).toEqual([
      ["Camunda 8", 401, 403],
      ["PhoneFarm", 401, 403],
      // Its clients know no 401.
      ["Datadog", 403, 403],
      ["Maxsight", 401, 403],
      ["Retab", 401, 403],
    ]);
  });

  it("covers every RPC that is served", () => {
    const router = createConnectRouter();

    routes(useCasesDouble({}))(router);

    const served = router.handlers.map(({ requestPath }) => requestPath);
    expect(served.toSorted()).toEqual(RPCS.map((rpc) => `/${nameOf(rpc)}`).toSorted());
    expect(RPCS.map(({ parent }) => parent)).not.toContain(Health);
  });
});
