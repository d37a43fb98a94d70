// Prints the HTTP statuses that the contract documents, as Markdown.
import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import { CancellationService } from "../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../gen/belay/v1/execution_service_pb.ts";
import { type ErrorStatus, type HttpStatuses, http_statuses } from "../gen/belay/v1/http_status_pb.ts";
import { WorkerService } from "../gen/belay/v1/worker_service_pb.ts";
import { CodeSchema } from "../gen/google/rpc/code_pb.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { httpStatusOf } from "../src/rpc/http_status.ts";

const CANCELS: readonly DescMethod[] = [
  CancellationService.method.cancelProcessInstance,
  CancellationService.method.cancelProcess,
  CancellationService.method.cancelWorkflowInstance,
  CancellationService.method.cancelAssessmentWorkflow,
  CancellationService.method.cancelWorkflowRun,
];

const METHODS: readonly DescMethod[] = [CancellationService, ExecutionService, WorkerService].flatMap(
  (service) => service.methods,
);

/** All of it: the cancels side by side, each cancel with the words of its contract, the other RPCs, and what none of them documents. */
export function printStatusTables(): string {
  const others = METHODS.filter((method) => !CANCELS.includes(method));
  const sections = [
    section("The five cancels", cancelTable()),
    ...CANCELS.map((method) => section(method.name, wordsTable(method))),
    section("The other RPCs", othersTable(others)),
    section(
      "Everything else",
      `What an RPC does not document has the status that the Connect protocol gives the code.\n\n${protocolTable()}`,
    ),
  ];
  return sections.join("\n");
}

/** One row for each code, or, where an RPC has a status of its own for a reason, for each code and reason. */
function cancelTable(): string {
  const rows = new Map<string, ErrorStatus>();
  for (const error of CANCELS.flatMap(errorsOf)) rows.set(labelOf(error), error);
  const errors = [...rows.values()].sort((a, b) => a.code - b.code || a.reason.localeCompare(b.reason));
  return table(
    ["", ...CANCELS.map(({ name }) => name)],
    [
      ["success, in the public contract of the kind", ...CANCELS.map((method) => String(statusesOf(method).success))],
      ...errors.map((error) => [labelOf(error), ...CANCELS.map((method) => statusOf(method, error))]),
    ],
  );
}

function wordsTable(method: DescMethod): string {
  const rows = errorsOf(method).map((error) => [labelOf(error), String(error.httpStatus), error.description]);
  return table(["code", "HTTP status", "when"], rows);
}

function othersTable(methods: readonly DescMethod[]): string {
  const rows = methods.flatMap((method) =>
    errorsOf(method).map((error, index) => [
      index === 0 ? method.name : "",
      labelOf(error),
      String(error.httpStatus),
      error.description,
    ]),
  );
  return table(["RPC", "code", "HTTP status", "when"], rows);
}

function protocolTable(): string {
  const codes = CodeSchema.values.filter(({ number }) => number !== 0);
  return table(
    ["code", "HTTP status"],
    // The health check documents no status.
    codes.map(({ number }) => [nameOf(number), String(httpStatusOf(Health.method.check, number, ""))]),
  );
}

function statusesOf(method: DescMethod): HttpStatuses {
  return getOption(method, http_statuses);
}

/** None if the RPC documents none. */
function errorsOf(method: DescMethod): readonly ErrorStatus[] {
  return hasOption(method, http_statuses) ? statusesOf(method).errors : [];
}

/** As the server maps it; a dash if the RPC documents nothing for it. */
function statusOf(method: DescMethod, { code, reason }: ErrorStatus): string {
  const documented = errorsOf(method).some((entry) => entry.code === code && ["", reason].includes(entry.reason));
  return documented ? String(httpStatusOf(method, Number(code), reason)) : "—";
}

function labelOf({ code, reason }: ErrorStatus): string {
  return reason === "" ? nameOf(code) : `${nameOf(code)}, reason \`${reason}\``;
}

function nameOf(code: number): string {
  return `\`${CodeSchema.values.find(({ number }) => number === code)?.name ?? code}\``;
}

function section(title: string, text: string): string {
  return `## ${title}\n\n${text}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
