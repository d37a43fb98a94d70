/** The clients that people use, each asked in the same words and telling all that it was told. */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import { type Block, inOrder } from "./seen.ts";

/** What a client tells of a call. */
export interface Told {
  /** "Ok", or the code of the error. */
  readonly code: string;
  /** The answer as JSON, or the message of the error. */
  readonly answer: unknown;
  /** Of an error: the type and the bytes of each. */
  readonly details: readonly string[];
  readonly header: Block;
  readonly trailer: Block;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface RealClient {
  call(method: DescMethodUnary, request: JsonObject, options?: CallOptions): Promise<Told>;
  close(): void;
}

export const REAL_CLIENTS: Readonly<Record<string, (url: string) => RealClient>> = {
  "@grpc/grpc-js": grpcJs,
  "connect-es over gRPC": (url) => overHttp2(url, (options) => createGrpcTransport(options)),
  "connect-es over gRPC, compressing": (url) =>
    overHttp2(url, (options) => createGrpcTransport({ ...options, ...COMPRESSING })),
  "connect-es over Connect proto, HTTP/2": (url) =>
    overHttp2(url, (options) => createConnectTransport({ ...options, httpVersion: "2" })),
  "connect-es over Connect JSON, HTTP/2": (url) =>
    overHttp2(url, (options) => createConnectTransport({ ...options, httpVersion: "2", useBinaryFormat: false })),
  "connect-es over Connect proto, HTTP/1.1": (url) =>
    over(createConnectTransport({ baseUrl: url, httpVersion: "1.1" })),
  "connect-es over Connect JSON, HTTP/1.1": (url) =>
    over(createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: false })),
  "connect-es over Connect JSON with GET": (url) =>
    over(createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: false, useHttpGet: true })),
};

const COMPRESSING = { sendCompression: compressionGzip, compressMinBytes: 0 };

interface Http2Options {
  readonly baseUrl: string;
  readonly sessionManager: Http2SessionManager;
}

function overHttp2(baseUrl: string, transportOf: (options: Http2Options) => Transport): RealClient {
  const sessionManager = new Http2SessionManager(baseUrl);
  return { ...over(transportOf({ baseUrl, sessionManager })), close: () => sessionManager.abort() };
}

function over(transport: Transport): RealClient {
  return {
    async call(method, request, { headers, timeoutMs, signal } = {}) {
      try {
        const message = fromJson(method.input, request);
        const answer = await transport.unary(method, signal, timeoutMs, headers, message);
        return {
          code: "Ok",
          answer: toJson(method.output, answer.message),
          details: [],
          header: blockOf(answer.header),
          trailer: blockOf(answer.trailer),
        };
      } catch (reason) {
        const { code, rawMessage, details, metadata } = ConnectError.from(reason);
        const told = details.map((detail) =>
          "desc" in detail ? detail.desc.typeName : detailText(detail.type, detail.value),
        );
        return { code: Code[code], answer: rawMessage, details: told, header: blockOf(metadata), trailer: [] };
      }
    },
    close: () => undefined,
  };
}

function grpcJs(url: string): RealClient {
  const client = new Client(new URL(url).host, credentials.createInsecure());
  return {
    call: (method, request, options = {}) =>
      callOf(client, method, create(method.input, fromJson(method.input, request)), options),
    close: () => client.close(),
  };
}

function callOf(
  client: Client,
  method: DescMethodUnary,
  request: ReturnType<typeof create<DescMessage>>,
  { headers = {}, timeoutMs, signal }: CallOptions,
): Promise<Told> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve) => {
    let answer: unknown = null;
    let header: Block = [];
    const call = client.makeUnaryRequest(
      `/${method.parent.typeName}/${method.name}`,
      (message: typeof request) => Buffer.from(toBinary(method.input, message)),
      (bytes: Buffer) => toJson(method.output, fromBinary(method.output, bytes)),
      request,
      metadata,
      timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
      (error, answered) => {
        answer = error === null ? answered : error.details;
      },
    );
    call.on("metadata", (received: Metadata) => {
      header = blockOfMetadata(received);
    });
    call.on("status", ({ code, metadata: trailer }) => {
      const [status] = trailer.get("grpc-status-details-bin");
      const details = Buffer.isBuffer(status) ? fromBinary(StatusSchema, status).details : [];
      resolve({
        code: code === 0 ? "Ok" : String(Code[code]),
        answer,
        details: details.map(({ typeUrl, value }) => detailText(typeUrl, value)),
        header,
        trailer: blockOfMetadata(trailer),
      });
    });
    signal?.addEventListener("abort", () => call.cancel());
  });
}

function detailText(type: string, value: Uint8Array): string {
  return `${type} ${Buffer.from(value).toString("latin1")}`;
}

function blockOf(headers: Headers): Block {
  return inOrder(Array.from(headers, ([name, value]) => `${name}: ${value}`));
}

function blockOfMetadata(metadata: Metadata): Block {
  const lines = Object.entries(metadata.toHttp2Headers()).map(
    ([name, values]) => `${name}: ${[values].flat().join(", ")}`,
  );
  return inOrder(lines);
}
