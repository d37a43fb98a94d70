// Prints a descriptor as the .proto source it was compiled from.
//
// Covers the proto2 and proto3 files that are made of messages, enums and extensions, and refuses what it does not know
// rather than print something that means something else.
import {
  createRegistry,
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescOneof,
  getExtension,
  hasExtension,
  type Message,
  type Registry,
  ScalarType,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { Edition, FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

/** The highest field number, plus one: descriptors write the open range `to max` with it. */
const MAX_FIELD_NUMBER_END = 536_870_912;

export function printProto(file: DescFile): string {
  const proto2 = file.edition === Edition.EDITION_PROTO2;
  if (!proto2 && file.edition !== Edition.EDITION_PROTO3) throw new Error(`${file.name}: editions are not supported`);
  if (file.services.length > 0) throw new Error(`${file.name}: services are not supported`);

  const registry = createRegistry(file, ...file.dependencies);
  const sections = [
    [`syntax = "${proto2 ? "proto2" : "proto3"}";`],
    [`package ${file.proto.package};`],
    file.proto.dependency.map((path) => `import "${path}";`),
    printOptions(file.proto.options, registry).map((option) => `option ${option};`),
    ...printExtensions(file.extensions, registry),
    ...file.messages.map((message) => printMessage(message, registry)),
    ...file.enums.map((enumeration) => printEnum(enumeration, registry)),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function printExtensions(extensions: DescExtension[], registry: Registry): string[][] {
  const byExtendee = Map.groupBy(extensions, (extension) => extension.extendee.typeName);
  return [...byExtendee].map(([extendee, group]) =>
    block(
      `extend .${extendee}`,
      group.map((extension) => printField(extension, registry)),
    ),
  );
}

function printMessage(message: DescMessage, registry: Registry): string[] {
  const { options, extensionRange, reservedRange, reservedName } = message.proto;
  if (message.nestedExtensions.length > 0) throw new Error(`${message}: nested extensions are not supported`);
  return block(`message ${message.name}`, [
    ...printOptions(options, registry).map((option) => `option ${option};`),
    ...message.nestedMessages.flatMap((nested) => printMessage(nested, registry)),
    ...message.nestedEnums.flatMap((nested) => printEnum(nested, registry)),
    ...message.members.flatMap((member) =>
      member.kind === "oneof" ? printOneof(member, registry) : [printField(member, registry)],
    ),
    ...extensionRange.map(({ start, end }) => `extensions ${printRange(start, end)};`),
    ...reservedRange.map(({ start, end }) => `reserved ${printRange(start, end)};`),
    ...reservedName.map((name) => `reserved ${JSON.stringify(name)};`),
  ]);
}

function printOneof(oneof: DescOneof, registry: Registry): string[] {
  return block(`oneof ${oneof.name}`, [
    ...printOptions(oneof.proto.options, registry).map((option) => `option ${option};`),
    ...oneof.fields.map((field) => printField(field, registry)),
  ]);
}

function printEnum(enumeration: DescEnum, registry: Registry): string[] {
  const { options, reservedRange, reservedName } = enumeration.proto;
  return block(`enum ${enumeration.name}`, [
    ...printOptions(options, registry).map((option) => `option ${option};`),
    ...enumeration.values.map(
      (value) => `${value.name} = ${value.number}${bracket(printOptions(value.proto.options, registry))};`,
    ),
    // Unlike a message's ranges, an enum's include their end.
    ...reservedRange.map(({ start, end }) => `reserved ${printRange(start, end + 1)};`),
    ...reservedName.map((name) => `reserved ${JSON.stringify(name)};`),
  ]);
}

function printField(field: DescField | DescExtension, registry: Registry): string {
  if (field.proto.defaultValue !== "") throw new Error(`${field}: default values are not supported`);
  const options = bracket(printOptions(field.proto.options, registry));
  return `${printLabel(field)}${printType(field)} ${field.name} = ${field.number}${options};`;
}

function printLabel(field: DescField | DescExtension): string {
  if (field.fieldKind === "map" || field.oneof) return "";
  if (field.fieldKind === "list") return "repeated ";
  if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) return "required ";
  // A singular field of proto3 has no presence unless it asks for it.
  const { edition } = field.kind === "extension" ? field.file : field.parent.file;
  return edition === Edition.EDITION_PROTO3 && !field.proto.proto3Optional ? "" : "optional ";
}

function printType(field: DescField | DescExtension): string {
  if (field.fieldKind === "map") {
    const value = field.mapKind === "scalar" ? printScalar(field.scalar) : `.${(field.message ?? field.enum).typeName}`;
    return `map<${printScalar(field.mapKey)}, ${value}>`;
  }
  if (field.scalar !== undefined) return printScalar(field.scalar);
  return `.${(field.message ?? field.enum).typeName}`;
}

function printScalar(scalar: ScalarType): string {
  return ScalarType[scalar].toLowerCase();
}

/** The options that are set, built-in and custom ones, each as `name = value`. */
function printOptions(options: Message | undefined, registry: Registry): string[] {
  if (options === undefined) return [];
  const schema = registry.getMessage(options.$typeName);
  if (schema === undefined) throw new Error(`${options.$typeName} is not known`);
  const custom = [...registry].filter((type) => type.kind === "extension");
  return [
    ...printSetFields(reflect(schema, options), " = "),
    ...custom
      .filter((extension) => extension.extendee.typeName === options.$typeName && hasExtension(options, extension))
      .map((extension) => {
        const value: unknown = getExtension(options, extension);
        const reflected = extension.fieldKind === "message" ? reflect(extension.message, value as Message) : value;
        return `(.${extension.typeName}) = ${printValue(extension, reflected)}`;
      }),
  ];
}

function printSetFields(message: ReflectMessage, separator: string): string[] {
  return message.sortedFields
    .filter((field) => message.isSet(field))
    .flatMap((field) => {
      const value: unknown = message.get(field);
      const values = field.fieldKind === "list" ? [...(value as Iterable<unknown>)] : [value];
      return values.map((each) => `${field.name}${separator}${printValue(field, each)}`);
    });
}

function printValue(field: DescField | DescExtension, value: unknown): string {
  if (field.fieldKind === "map" || value instanceof Uint8Array) throw new Error(`${field}: not supported in an option`);
  if (field.message) return `{${printSetFields(value as ReflectMessage, ": ").join(", ")}}`;
  if (field.enum) return field.enum.value[value as number]?.name ?? String(value);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function printRange(start: number, end: number): string {
  if (end >= MAX_FIELD_NUMBER_END) return `${start} to max`;
  return end === start + 1 ? `${start}` : `${start} to ${end - 1}`;
}

function block(head: string, lines: string[]): string[] {
  return [`${head} {`, ...lines.map((line) => `  ${line}`), "}"];
}

function bracket(options: string[]): string {
  return options.length > 0 ? ` [${options.join(", ")}]` : "";
}
