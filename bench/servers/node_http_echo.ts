/** A bare node:http server: parses the JSON of the request, and stringifies the answer. No library, no check of anything. */
import { createServer } from "node:http";
import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { CancellationService, CancelProcessResponseSchema } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService, GetProcessResponseSchema } from "../../gen/belay/v1/execution_service_pb.ts";
import { HeartbeatResponseSchema, WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { readEchoArguments } from "./echo_answers.ts";
import { listen } from "./listen.ts";

const { cancel, get, heartbeat } = readEchoArguments().samples;

/** The members that name the execution are put in the place of the sample's. */
const cancelJson = objectOf(toJson(CancelProcessResponseSchema, cancel));
const cancellationJson = objectOf(cancelJson["cancellation"]);
const getJson = objectOf(objectOf(toJson(GetProcessResponseSchema, get))["process"]);
const executionJson = objectOf(getJson["execution"]);
const [leaseJson] = listOf(objectOf(toJson(HeartbeatResponseSchema, heartbeat))["leases"]);

const answers = new Map<string | undefined, (request: JsonObject) => JsonObject>([
  [
    `/${CancellationService.typeName}/CancelProcess`,
    ({ processId = "" }) => ({
      ...cancelJson,
      ...("activeTarget" in cancelJson && { activeTarget: { ...objectOf(cancelJson["activeTarget"]), processId } }),
      ...("termination" in cancelJson && { termination: { ...objectOf(cancelJson["termination"]), processId } }),
      cancellation: { ...cancellationJson, execution: { ...objectOf(cancellationJson["execution"]), id: processId } },
    }),
  ],
  [
    `/${ExecutionService.typeName}/GetProcess`,
    ({ processId = "" }) => ({
      process: {
        ...getJson,
        execution: { ...executionJson, ref: { ...objectOf(executionJson["ref"]), id: processId } },
      },
    }),
  ],
  [
    `/${WorkerService.typeName}/Heartbeat`,
    ({ leases }) => ({
      leases: [{ ...objectOf(leaseJson), execution: objectOf(objectOf(listOf(leases)[0])["execution"]) }],
    }),
  ],
]);

await listen(
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const answer = answers.get(request.url)?.(JSON.parse(Buffer.concat(chunks).toString()));
      const body = JSON.stringify(answer ?? { code: "unimplemented" });
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      response.writeHead(answer === undefined ? 404 : 200, headers).end(body);
    });
  }),
);

function objectOf(json: unknown): JsonObject {
  return isObject(json) ? json : {};
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function listOf(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : [];
}
