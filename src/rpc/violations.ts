/** The contract's validation rules, in words that say what would be right. */
import { type DescField, type DescMessage, getOption, type Message } from "@bufbuild/protobuf";
import { type Path, pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { FieldViolation } from "./errors.ts";

const regexes = new Map<string, RegExp>();

/** The patterns are the contract's own and backtrack nowhere, so they don't need the slow engine that protects from those that do. */
function regexMatch(pattern: string, text: string): boolean {
  const regex = regexes.get(pattern) ?? new RegExp(pattern, "u");
  regexes.set(pattern, regex);
  return regex.test(text);
}

const validator = createValidator({ regexMatch });

/**
 * Every broken rule of `message`; none if it is valid. Throws if the contract's own rules are at fault.
 *
 * @param unreadable paths of fields whose values could not be read: rules that judge them would judge what was never said
 */
export function findViolations(
  schema: DescMessage,
  message: Message,
  unreadable: readonly string[] = [],
): FieldViolation[] {
  const result = validator.validate(schema, message);
  switch (result.kind) {
    case "valid":
      return [];
    case "invalid":
      return result.violations
        .filter((violation) => !unreadable.some((path) => judges(violation, path)))
        .map((violation) => describe(schema, violation));
    case "error":
      throw result.error;
  }
}

/** True if the broken rule looks at the field at `path`: it stands on it, within it, or on the whole message around it. */
function judges(violation: Violation, path: string): boolean {
  const field = pathToString(violation.field);
  const isRuleOfMessage = violation.rule.length === 0;
  return isWithin(field, path) || (isRuleOfMessage && isWithin(path, field));
}

function isWithin(inner: string, outer: string): boolean {
  return outer === "" || inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
}

function describe(schema: DescMessage, violation: Violation): FieldViolation {
  const field = pathToString(violation.field);
  const description = violation.forKey ? `key ${violation.message}` : wordingOf(violation);
  return ruleOfMessage(schema, violation) ?? { field, description };
}

function wordingOf({ field: path, ruleId, message }: Violation): string {
  const field = path.findLast((element) => element.kind === "field");
  switch (ruleId) {
    case "required":
      return "is required";
    case "enum.defined_only":
      return `must be ${enumNames(field)}`;
    case "string.pattern":
      return PATTERNS.get(patternOf(field)) ?? message;
    default:
      return message;
  }
}

/** The patterns of the contract. */
const PATTERNS: ReadonlyMap<string, string> = new Map([
  ["^-?[0-9]{1,25}$", "must be an integer of up to 25 digits"],
  ["^[^\\x00-\\x1F\\x7F]*$", "must not contain control characters"],
  ["^[^\\x00-\\x1F\\x7F]+$", "must not contain control characters"],
]);

function patternOf(field: DescField | undefined): string {
  const rules = field === undefined ? undefined : getOption(field, fieldRules).type;
  return rules?.case === "string" ? rules.value.pattern : "";
}

/** The names that the field takes: "one of A, B, C". Zero stands for no choice and is not offered. */
export function enumNames(field: DescField | undefined): string {
  const names = field?.enum?.values.filter((value) => value.number !== 0).map((value) => value.name) ?? [];
  return `one of ${names.join(", ")}`;
}

/** A rule over a whole message names the member that it is about at the beginning of its own message: "queue_items: ids must …". */
function ruleOfMessage(schema: DescMessage, { field: path, message }: Violation): FieldViolation | null {
  const [, name, description] = /^(\w+): (.+)$/s.exec(message) ?? [];
  const owner = messageAt(schema, path);
  const member = owner?.members.find((candidate) => candidate.name === name);
  if (member === undefined || description === undefined) return null;
  return { field: pathToString([...path, member]), description };
}

function messageAt(schema: DescMessage, path: Path): DescMessage | undefined {
  if (path.length === 0) return schema;
  return path.findLast((element) => element.kind === "field")?.message;
}
