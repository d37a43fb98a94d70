import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { openPort } from "./port_under_test.ts";

type Question = ServerReflectionRequest["messageRequest"];

async function ask(...questions: Question[]): Promise<ServerReflectionResponse["messageResponse"][]> {
  const port = await openPort();
  const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: port.url }));
  async function* requests() {
    for (const messageRequest of questions) yield { host: "here", messageRequest };
  }
  const answers: ServerReflectionResponse["messageResponse"][] = [];
  for await (const { validHost, messageResponse } of client.serverReflectionInfo(requests())) {
    expect(validHost).toBe("here");
    answers.push(messageResponse);
  }
  return answers;
}

function filesIn(answer: ServerReflectionResponse["messageResponse"] | undefined): string[] {
  if (answer?.case !== "fileDescriptorResponse") throw new Error(`no files: ${answer?.case}`);
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

const symbol = (value: string): Question => ({ case: "fileContainingSymbol", value });

describe("reflection", () => {
  it.each([
    "belay.v1.CancellationService",
    "belay.v1.CancellationService.CancelProcess",
    "belay.v1.CancelProcessRequest",
    "belay.v1.CancelProcessRequest.reason",
    "belay.v1.CancelProcessStatus",
    "belay.v1.CANCEL_PROCESS_STATUS_CANCEL_REQUESTED",
  ])("finds the file of %s, and brings what it stands on first", async (name) => {
    const [answer] = await ask(symbol(name));

    const files = filesIn(answer);
    expect(files.at(-1)).toBe("belay/v1/cancellation_service.proto");
    expect(files).toContain("buf/validate/validate.proto");
    expect(new Set(files).size).toBe(files.length);
  });

  it("finds a file by its name, and sends no file twice unless it is asked for twice", async () => {
    const file: Question = { case: "fileByFilename", value: "belay/v1/execution_ref.proto" };

    const [first, second, third] = await ask(file, symbol("belay.v1.Cancellation"), file);

    expect(filesIn(first)).toContain("belay/v1/execution_ref.proto");
    expect(filesIn(second)).not.toContain("belay/v1/execution_ref.proto");
    expect(filesIn(third)).toEqual(["belay/v1/execution_ref.proto"]);
  });

  it("finds the options that document statuses, scopes and ranks", async () => {
    const [file, numbers] = await ask(
      {
        case: "fileContainingExtension",
        value: {
          $typeName: "grpc.reflection.v1.ExtensionRequest",
          containingType: "google.protobuf.MethodOptions",
          extensionNumber: 50901,
        },
      },
      { case: "allExtensionNumbersOfType", value: "google.protobuf.MethodOptions" },
    );

    expect(filesIn(file)).toContain("belay/v1/http_status.proto");
    expect(numbers?.value).toMatchObject({ extensionNumber: expect.arrayContaining([50901, 50902, 50903]) });
  });

  it.each<[string, Question]>([
    ["file", { case: "fileByFilename", value: "no.proto" }],
    ["symbol", symbol("no.Such")],
    ["message", { case: "allExtensionNumbersOfType", value: "no.Such" }],
  ])("says so if it does not know the %s", async (_name, question) => {
    const [answer] = await ask(question);

    expect(answer).toMatchObject({ case: "errorResponse", value: { errorCode: Code.NotFound } });
  });

  it("says so if it is asked nothing", async () => {
    const [answer] = await ask({ case: undefined });

    expect(answer).toMatchObject({ case: "errorResponse", value: { errorCode: Code.InvalidArgument } });
  });
});
