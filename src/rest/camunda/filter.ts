/** Camunda's filter of process instances: each property a plain value, or an object of operators such as `$neq` and `$in`. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { STATES, type State } from "../../domain/execution.ts";
import type {
  ProcessInstanceField,
  ProcessInstanceFilter,
  SearchCondition,
  SearchConditions,
} from "../../service/service.ts";
import { booleanOf, integerOf, invalidField, keyOf, listOf, objectOf, textOf } from "./json_fields.ts";
import { type InstanceState, instanceStateOf, tenantIdOf } from "./process_instance.ts";

type Value = string | number;

/** How the values of a property are written, and which operators it knows beyond those that all know. */
interface PropertyType {
  readonly read: (json: JsonValue, field: string) => Value;
  readonly operators: ReadonlySet<string>;
}

const COMMON = ["$eq", "$neq", "$exists", "$in"];
const ORDERED = [...COMMON, "$gt", "$gte", "$lt", "$lte"];

const TEXT: PropertyType = { read: textOf, operators: new Set([...COMMON, "$notIn", "$like"]) };
const KEY: PropertyType = { read: keyOf, operators: new Set([...COMMON, "$notIn"]) };
const TIME: PropertyType = { read: timeOf, operators: new Set(ORDERED) };
const INTEGER: PropertyType = { read: versionOf, operators: new Set(ORDERED) };
const STATE: PropertyType = { read: stateOf, operators: new Set([...COMMON, "$notIn", "$like"]) };

const PROPERTIES: ReadonlyMap<string, readonly [ProcessInstanceField, PropertyType]> = new Map([
  ["processInstanceKey", ["key", KEY]],
  ["processDefinitionId", ["definition_id", TEXT]],
  ["processDefinitionName", ["definition_name", TEXT]],
  ["processDefinitionVersion", ["definition_version", INTEGER]],
  ["processDefinitionVersionTag", ["definition_version_tag", TEXT]],
  ["processDefinitionKey", ["definition_key", KEY]],
  ["parentProcessInstanceKey", ["parent_key", KEY]],
  ["parentElementInstanceKey", ["parent_element_key", KEY]],
  ["businessId", ["business_id", TEXT]],
  ["startDate", ["started_at", TIME]],
  ["endDate", ["ended_at", TIME]],
]);

/** A filter may compare with so many values: the database takes some 30,000. */
const MAX_VALUES = 5_000;
const MAX_ALTERNATIVES = 100;

/**
 * Reads a filter. A property that is not known is refused, not ignored: without it the filter would select more than was meant, and
 * filters also choose what to cancel.
 *
 * @param tenant whose process instances are filtered
 * @param field where the filter stands in the request
 */
export function processInstanceFilterOf(
  json: JsonValue | undefined,
  tenant: string,
  field = "filter",
): ProcessInstanceFilter {
  const { $or: alternatives, ...properties } = objectOf(json, field);
  const groups = listOf(alternatives, `${field}.$or`);
  if (groups.length > MAX_ALTERNATIVES) {
    throw invalidField(`${field}.$or`, `must have at most ${MAX_ALTERNATIVES} items`);
  }
  const filter = {
    ...conditionsOf(properties, tenant, field),
    anyOf: groups.map((group, index) => {
      const place = `${field}.$or[${index}]`;
      return conditionsOf(objectOf(group, place), tenant, place);
    }),
  };
  if (countValues(filter) > MAX_VALUES) throw invalidField(field, `must compare with at most ${MAX_VALUES} values`);
  return filter;
}

function conditionsOf(properties: JsonObject, tenant: string, field: string): SearchConditions {
  const conditions: SearchCondition[] = [];
  let tags: string[] = [];
  for (const [name, value] of Object.entries(properties)) {
    if (value === null) continue;
    const place = `${field}.${name}`;
    if (name === "tags") tags = listOf(value, place).map((tag, index) => textOf(tag, `${place}[${index}]`));
    else if (name === "hasIncident") {
      conditions.push({ field: "has_incident", operator: "eq", value: Number(booleanOf(value, place)) });
    } else if (name === "state") conditions.push(...statesSelectedBy(value, place));
    else if (name === "tenantId") conditions.push(...tenantSelectedBy(value, tenant, place));
    else conditions.push(...propertyConditions(name, value, place));
  }
  return { conditions, tags };
}

function propertyConditions(name: string, json: JsonValue, field: string): SearchCondition[] {
  const property = PROPERTIES.get(name);
  if (property === undefined) {
    throw invalidField(field, `can't be filtered by; known are: ${[...PROPERTIES.keys(), ...OTHERS].join(", ")}`);
  }
  const [column, type] = property;
  return operationsOf(json, type, field).map((operation) => ({ field: column, ...operation }));
}

const OTHERS = ["state", "hasIncident", "tenantId", "tags", "$or"];

type Operation =
  | { readonly operator: "eq" | "neq" | "gt" | "gte" | "lt" | "lte"; readonly value: Value }
  | { readonly operator: "in" | "not_in"; readonly values: readonly Value[] }
  | { readonly operator: "like"; readonly pattern: string }
  | { readonly operator: "exists"; readonly value: boolean };

/** What a property must be: all operators of an object must hold; a plain value stands for `$eq`. */
function operationsOf(json: JsonValue, type: PropertyType, field: string): Operation[] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return [{ operator: "eq", value: type.read(json, field) }];
  }
  return Object.entries(json).flatMap(([name, value]) => {
    if (value === null) return [];
    if (!type.operators.has(name)) {
      throw invalidField(field, `does not know the operator ${name}; it knows: ${[...type.operators].join(", ")}`);
    }
    return [operationOf(name, value, type, `${field}.${name}`)];
  });
}

function operationOf(name: string, json: JsonValue, type: PropertyType, field: string): Operation {
  const values = (): Value[] => listOf(json, field).map((item, index) => type.read(item, `${field}[${index}]`));
  switch (name) {
    case "$in":
      return { operator: "in", values: values() };
    case "$notIn":
      return { operator: "not_in", values: values() };
    case "$like":
      return { operator: "like", pattern: textOf(json, field) };
    case "$exists":
      return { operator: "exists", value: booleanOf(json, field) };
    default:
      return { operator: COMPARISONS.get(name) ?? "eq", value: type.read(json, field) };
  }
}

const COMPARISONS: ReadonlyMap<string, "neq" | "gt" | "gte" | "lt" | "lte"> = new Map([
  ["$neq", "neq"],
  ["$gt", "gt"],
  ["$gte", "gte"],
  ["$lt", "lt"],
  ["$lte", "lte"],
]);

/** Camunda has three states where Belay has six. */
function statesSelectedBy(json: JsonValue, field: string): SearchCondition[] {
  const operations = operationsOf(json, STATE, field);
  const values = STATES.filter((state: State) =>
    operations.every((operation) => isTrueOf(instanceStateOf(state), operation)),
  );
  return [{ field: "state", operator: "in", values }];
}

/** All that a caller sees is of one tenant: its own is no condition, another one selects nothing. */
function tenantSelectedBy(json: JsonValue, tenant: string, field: string): SearchCondition[] {
  const operations = operationsOf(json, TEXT, field);
  const isOwn = operations.every((operation) => isTrueOf(tenantIdOf(tenant), operation));
  return isOwn ? [] : [{ field: "state", operator: "in", values: [] }];
}

/** Whether a name satisfies an operation of the text operators. */
function isTrueOf(name: string, operation: Operation): boolean {
  switch (operation.operator) {
    case "eq":
      return operation.value === name;
    case "neq":
      return operation.value !== name;
    case "in":
      return operation.values.includes(name);
    case "not_in":
      return !operation.values.includes(name);
    case "exists":
      return operation.value;
    case "like":
      return patternOf(operation.pattern).test(name);
    default:
      return false;
  }
}

/** The wildcards `*` and `?`, and the backslash that makes the next character stand for itself. */
function patternOf(pattern: string): RegExp {
  const parts = pattern.match(/\\[\s\S]|\*+|[\s\S]/g) ?? [];
  const expression = parts.map((part) => {
    if (part.startsWith("*")) return "[^]*";
    if (part === "?") return "[^]";
    return (part.length > 1 ? part.slice(1) : part).replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
  });
  return new RegExp(`^${expression.join("")}$`);
}

function countValues({ anyOf, ...top }: ProcessInstanceFilter): number {
  const all = [top, ...anyOf];
  const ofConditions = all
    .flatMap(({ conditions }) => conditions)
    .map((each) => ("values" in each ? each.values.length : 1));
  return [...ofConditions, ...all.map(({ tags }) => tags.length)].reduce((sum, count) => sum + count, 0);
}

function stateOf(json: JsonValue, field: string): InstanceState {
  if (json === "ACTIVE" || json === "COMPLETED" || json === "TERMINATED") return json;
  throw invalidField(field, "must be one of: ACTIVE, COMPLETED, TERMINATED");
}

function versionOf(json: JsonValue, field: string): number {
  return integerOf(json, field, { least: -(2 ** 31), most: 2 ** 31 - 1, absent: 0 });
}

const TIME_PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/;

/** Milliseconds. */
function timeOf(json: JsonValue, field: string): number {
  const time = typeof json === "string" && TIME_PATTERN.test(json) ? Date.parse(json) : Number.NaN;
  if (Number.isNaN(time)) throw invalidField(field, 'must be a time such as "2026-01-31T12:00:00Z"');
  return time;
}
