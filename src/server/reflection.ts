/** Server reflection, v1 and v1alpha: tells clients without the .proto files what can be called, and how. */
import type { DescFile, DescService } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { ServerReflection, type ServerReflectionRequest } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflection as ServerReflectionAlpha,
  type ServerReflectionRequest as ServerReflectionAlphaRequest,
} from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { encodeWithDependencies, indexDescriptors } from "./descriptor_index.ts";

// The two versions have the same messages under two names.
type Request = ServerReflectionRequest | ServerReflectionAlphaRequest;

/** Serves both versions for `services`; reflection itself is listed with them. */
export function routeReflection(router: ConnectRouter, services: readonly DescService[]): void {
  const reflect = createReflection([...services, ServerReflection, ServerReflectionAlpha]);
  router.service(ServerReflection, { serverReflectionInfo: (requests) => reflect(requests) });
  router.service(ServerReflectionAlpha, { serverReflectionInfo: (requests) => reflect(requests) });
}

function createReflection(services: readonly DescService[]) {
  const index = indexDescriptors(services);
  const names = services.map((service) => ({ name: service.typeName }));

  const answer = ({ messageRequest }: Request, sent: Set<string>) => {
    switch (messageRequest.case) {
      case "listServices":
        return { case: "listServicesResponse" as const, value: { service: names } };
      case "fileByFilename":
        return fileAnswer(index.fileByName(messageRequest.value), messageRequest.value, sent);
      case "fileContainingSymbol":
        return fileAnswer(index.fileBySymbol(messageRequest.value), messageRequest.value, sent);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = messageRequest.value;
        const extension = index.extensionsOf(containingType)?.find((each) => each.number === extensionNumber);
        return fileAnswer(extension?.file, `extension ${extensionNumber} of ${containingType}`, sent);
      }
      case "allExtensionNumbersOfType": {
        const extensions = index.extensionsOf(messageRequest.value);
        if (extensions === undefined) return errorAnswer(Code.NotFound, `not found: ${messageRequest.value}`);
        const extensionNumber = extensions.map((extension) => extension.number);
        const value = { baseTypeName: messageRequest.value, extensionNumber };
        return { case: "allExtensionNumbersResponse" as const, value };
      }
      case undefined:
        return errorAnswer(Code.InvalidArgument, "the request asks for nothing that this server knows");
    }
  };

  return async function* <R extends Request>(requests: AsyncIterable<R>) {
    const sent = new Set<string>();
    for await (const request of requests) {
      yield { validHost: request.host, originalRequest: request, messageResponse: answer(request, sent) };
    }
  };
}

/** A file comes with its dependencies, and each only once a stream; a file that is asked for again comes alone. */
function fileAnswer(file: DescFile | undefined, wanted: string, sent: Set<string>) {
  if (file === undefined) return errorAnswer(Code.NotFound, `not found: ${wanted}`);
  const fileDescriptorProto = sent.has(file.proto.name)
    ? [toBinary(FileDescriptorProtoSchema, file.proto)]
    : encodeWithDependencies(file, sent);
  return { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto } };
}

function errorAnswer(errorCode: Code, errorMessage: string) {
  return { case: "errorResponse" as const, value: { errorCode, errorMessage } };
}
