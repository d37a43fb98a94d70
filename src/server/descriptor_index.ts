/** The .proto files behind a set of services, found by their names and by what they declare. */
import {
  createRegistry,
  type DescExtension,
  type DescFile,
  type DescService,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.ts";

type DescType = Registry extends Iterable<infer T> ? T : never;

export interface DescriptorIndex {
  fileByName(name: string): DescFile | undefined;
  /** The file that declares a message, enum, service, extension, method, field, oneof or enum value, by its full name. */
  fileBySymbol(symbol: string): DescFile | undefined;
  /** All known extensions of a message; undefined if no such message is known. */
  extensionsOf(messageName: string): readonly DescExtension[] | undefined;
}

export function indexDescriptors(services: readonly DescService[]): DescriptorIndex {
  const files = new Map<string, DescFile>();
  const visit = (file: DescFile): void => {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    file.dependencies.forEach(visit);
  };
  for (const service of services) visit(service.file);
  // No message refers to the details of errors: they travel as Any, and a client that is to show them asks for them by name.
  visit(file_google_rpc_error_details);

  const registry = createRegistry(...files.values());
  const symbols = new Map<string, DescFile>();
  for (const type of registry) {
    for (const symbol of [type.typeName, ...memberNames(type)]) symbols.set(symbol, type.file);
  }

  const extensions = [...registry].filter((type) => type.kind === "extension");

  return {
    fileByName: (name) => files.get(name),
    fileBySymbol: (symbol) => symbols.get(symbol),
    extensionsOf: (messageName) => {
      if (registry.getMessage(messageName) === undefined) return undefined;
      return extensions.filter((extension) => extension.extendee.typeName === messageName);
    },
  };
}

function memberNames(type: DescType): readonly string[] {
  switch (type.kind) {
    case "message":
      return [...type.fields, ...type.oneofs].map((member) => `${type.typeName}.${member.name}`);
    case "service":
      return type.methods.map((method) => `${type.typeName}.${method.name}`);
    case "enum": {
      // The values of an enum are named as its siblings.
      const scope = type.typeName.slice(0, type.typeName.lastIndexOf(".") + 1);
      return type.values.flatMap((value) => [`${scope}${value.name}`, `${type.typeName}.${value.name}`]);
    }
    case "extension":
      return [];
  }
}

/** The files that a client needs to read `file`, dependencies first, without those in `known`; they are added to it. */
export function encodeWithDependencies(file: DescFile, known: Set<string>): Uint8Array[] {
  const encoded: Uint8Array[] = [];
  const visit = (each: DescFile): void => {
    if (known.has(each.proto.name)) return;
    known.add(each.proto.name);
    each.dependencies.forEach(visit);
    encoded.push(toBinary(FileDescriptorProtoSchema, each.proto));
  };
  visit(file);
  return encoded;
}
