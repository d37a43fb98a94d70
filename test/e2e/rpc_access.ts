/** The RPCs of the contract as ways in, over gRPC, gRPC-Web and Connect. */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromJson,
  type JsonObject,
  toJson,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { BadRequestSchema, ErrorInfoSchema, ResourceInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { httpStatusOf } from "../../src/rpc/http_status.ts";
import {
  type AccessPoint,
  basic,
  bearer,
  declaredScopes,
  type Headers,
  nameOf,
  type Outcome,
  RPCS,
} from "./access_points.ts";
import { connectFrom, grpcFrom, grpcWebFrom, send, type TransportFrom } from "./loopback.ts";
import { requestAbout } from "./rpc_requests.ts";

const CODES = { unauthenticated: Code.Unauthenticated, permission_denied: Code.PermissionDenied };
const STYLES = [bearer, basic, (key: string) => ({ "api-key": key }), (key: string) => ({ apikey: key }), datadog];

export function datadog(key: string): Headers {
  return { "dd-api-key": key, "dd-application-key": key };
}

export const GRPC_ACCESS = RPCS.map((method) => accessOver("gRPC", grpcFrom, method));

/** For a browser's protocol a few RPCs are enough: it differs in the frames only. */
export const GRPC_WEB_ACCESS = RPCS.filter(({ name }) => /^(CancelProcess|WatchExecution|ListKeys)$/.test(name)).map(
  (method) => accessOver("gRPC-Web", grpcWebFrom, method),
);

export const CONNECT_ACCESS = RPCS.map((method) =>
  method.methodKind === "unary" ? accessOverJson(method) : accessOver("Connect", connectFrom, method),
);

function accessOver(protocol: string, transportFrom: TransportFrom, method: DescMethod): AccessPoint {
  return {
    name: `${protocol} ${nameOf(method)}`,
    scopes: declaredScopes(method),
    styles: STYLES,
    statusOf: () => null,
    call: async (url, things, headers, from) => {
      const { transport, close } = transportFrom(url, from);
      const leaving = new AbortController();
      const message = fromJson(method.input, requestAbout(nameOf(method), things));
      try {
        if (isUnary(method)) {
          const answer = await transport.unary(method, undefined, undefined, headers, message);
          return success(JSON.stringify(toJson(method.output, answer.message)));
        }
        if (!isServerStreaming(method)) throw new Error(`no test knows how to call ${nameOf(method)}`);
        const answer = await transport.stream(method, leaving.signal, undefined, headers, streamOf(message));
        for await (const first of answer.message) return success(JSON.stringify(toJson(method.output, first)));
        return success("");
      } catch (cause) {
        return failure(ConnectError.from(cause));
      } finally {
        leaving.abort();
        close();
      }
    },
  };
}

function accessOverJson(method: DescMethod): AccessPoint {
  return {
    name: `Connect ${nameOf(method)}`,
    scopes: declaredScopes(method),
    styles: STYLES,
    statusOf: (reason) => httpStatusOf(method, CODES[reason], reason.toUpperCase()),
    call: async (url, things, headers, from) => {
      const path = `/${nameOf(method)}`;
      const body = JSON.stringify(requestAbout(nameOf(method), things));
      const answer = await send(
        url,
        { method: "POST", path, headers: { "content-type": "application/json", ...headers }, body },
        from,
      );
      const json = JSON.parse(answer.text) as { code?: string; details?: { value?: string }[] };
      // Encoded, so that ids can't be found in it; `debug` says the same.
      for (const detail of json.details ?? []) delete detail.value;
      return {
        status: answer.status,
        code: answer.status === 200 ? "ok" : (json.code ?? null),
        said: JSON.stringify(json),
        field: (name) => answer.headers[name]?.toString() ?? null,
      };
    },
  };
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

function isServerStreaming(method: DescMethod): method is DescMethodServerStreaming {
  return method.methodKind === "server_streaming";
}

async function* streamOf<T>(message: T): AsyncIterable<T> {
  yield message;
}

function success(said: string): Outcome {
  return { status: null, code: "ok", said, field: () => null };
}

const DETAILS: readonly DescMessage[] = [ErrorInfoSchema, ResourceInfoSchema, BadRequestSchema];

function failure(error: ConnectError): Outcome {
  const details = DETAILS.flatMap((schema): JsonObject[] =>
    error.findDetails(schema).map((detail) => ({ [schema.typeName]: toJson(schema, create(schema, detail)) })),
  );
  return {
    status: null,
    code: codeToString(error.code),
    said: JSON.stringify({ message: error.rawMessage, details }),
    field: (name) => error.metadata.get(name),
  };
}
