// Prints the routes, credentials, successes and errors of every dialect, as Markdown, from what the dialects declare and answer.
import { type DescMethod, getOption } from "@bufbuild/protobuf";
import { http_statuses } from "../gen/belay/v1/http_status_pb.ts";
import { readBody } from "../src/rest/body.ts";
import type { Dialect, Route } from "../src/rest/dialect.ts";
import { DIALECTS } from "../src/rest/dialects.ts";
import { nameOfCode, type Problem, problemOfError } from "../src/rest/problem.ts";
import { failureToError, invalidRequest } from "../src/rpc/errors.ts";
import type { Reason } from "../src/rpc/reasons.ts";

interface Sample {
  readonly when: string;
  readonly reason: Reason;
  /** Only where the contract of the cancel documents it as an error. */
  readonly ifDocumented?: string;
}

/** What each dialect is asked to put into its shape. */
const SAMPLES: readonly Sample[] = [
  { reason: "unauthenticated", when: "no key, or a bad one" },
  { reason: "permission_denied", when: "the key does not permit it" },
  { reason: "execution_not_found", when: "unknown id" },
  { reason: "already_finished", when: "finished already", ifDocumented: "the answer is a success that says so" },
  { reason: "invalid_request", when: "a field is not valid" },
  { reason: "malformed_body", when: "the body is not JSON" },
  { reason: "idempotency_key_reused", when: "the command id was used with another request" },
  { reason: "overloaded", when: "overloaded" },
  { reason: "still_cancelling", when: "too slow: the cancel goes on" },
  { reason: "store_unavailable", when: "the service is unavailable" },
  { reason: "internal", when: "a fault of the server" },
];

export function printDialectTables(): string {
  return DIALECTS.map(section).join("\n");
}

function section(dialect: Dialect): string {
  const [cancel] = dialect.routes;
  const path = cancel === undefined ? "/" : examplePath(cancel);
  const example = dialect.error(problemOf("execution_not_found", dialect.cancel), path);
  return [
    `## ${dialect.name}\n`,
    `Credentials: ${dialect.credentials}.\n`,
    table(["method", "path", "body", "success", "scope"], dialect.routes.map(routeRow)),
    "An error, as an example:\n",
    `\`\`\`json\n${JSON.stringify(example.body)}\n\`\`\`\n`,
    table(
      ["when", "code and reason", "status"],
      SAMPLES.map((sample) => sampleRow(dialect, sample, path)),
    ),
  ].join("\n");
}

function sampleRow(dialect: Dialect, { when, reason, ifDocumented }: Sample, path: string): string[] {
  const problem = problemOf(reason, dialect.cancel);
  const isDocumented = getOption(dialect.cancel, http_statuses).errors.some(
    (error) => Number(error.code) === Number(problem.code),
  );
  if (ifDocumented !== undefined && !isDocumented) return [when, ifDocumented, "–"];
  return [when, `${nameOfCode(problem.code)}, ${problem.reason}`, String(dialect.error(problem, path).status)];
}

function problemOf(reason: Reason, cancel: DescMethod): Problem {
  const malformed = readBody({ body: "json" }, new Headers({ "content-type": "application/json" }), Buffer.from("{"));
  if (reason === "malformed_body" && "problem" in malformed) return malformed.problem;
  const error =
    reason === "invalid_request"
      ? invalidRequest([{ field: "reason", description: "is required" }])
      : failureToError({ reason, message: "what was wrong, and what would be right" }, cancel);
  return problemOfError(error);
}

const BODIES: Readonly<Record<Route["body"], string>> = {
  none: "–",
  json: "JSON",
  optional_json: "JSON or none",
  form: "form",
};

function routeRow({ method, path, body, success, scopes }: Route): string[] {
  const scope = scopes === null ? "none: without credentials" : scopes.map((each) => `\`${each}\``).join(" or ");
  return [method, `\`${readable(path)}\``, BODIES[body], String(success), scope];
}

/** ":key" as "{key}". */
function readable(path: string): string {
  return path.replaceAll(/:(\w+)/g, "{$1}");
}

function examplePath(route: Route): string {
  return route.path.replaceAll(/:\w+/g, "1");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("");
}
