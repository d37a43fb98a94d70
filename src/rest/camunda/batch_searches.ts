/** Camunda's searches of batch operations and of their items. They know the filters that clients send, and one order each. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { BATCH_ITEM_STATES, BATCH_STATES, type BatchItemState, type BatchState } from "../../domain/batch_operation.ts";
import type { BatchFilter, BatchItemFilter, Slice } from "../../service/service.ts";
import { integerOf, invalidField, keyOf, listOf, objectOf, textOf } from "./json_fields.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;

/** The only type that there is. */
export const BATCH_TYPE = "CANCEL_PROCESS_INSTANCE";

export const BATCH_STATE_NAMES: Readonly<Record<BatchState, string>> = {
  created: "CREATED",
  active: "ACTIVE",
  suspended: "SUSPENDED",
  completed: "COMPLETED",
  cancelled: "CANCELED",
};

export const ITEM_STATE_NAMES: Readonly<Record<BatchItemState, string>> = {
  pending: "ACTIVE",
  active: "ACTIVE",
  completed: "COMPLETED",
  failed: "FAILED",
  cancelled: "CANCELED",
};

export function batchSearchOf(body: JsonValue): { readonly filter: BatchFilter; readonly slice: Slice } {
  const { filter, sort, page } = objectOf(body, "body");
  refuseSort(sort);
  const { batchOperationKey, operationType, state, ...others } = objectOf(filter, "filter");
  refuseOthers(others, "batchOperationKey, operationType, state");
  const states = statesOf(state, BATCH_STATES, BATCH_STATE_NAMES);
  return {
    filter: { keys: keysOf(batchOperationKey, "filter.batchOperationKey"), states: ifTypeFits(operationType, states) },
    slice: sliceOf(page),
  };
}

export function itemSearchOf(body: JsonValue): { readonly filter: BatchItemFilter; readonly slice: Slice } {
  const { filter, sort, page } = objectOf(body, "body");
  refuseSort(sort);
  const { batchOperationKey, itemKey, processInstanceKey, operationType, state, ...others } = objectOf(
    filter,
    "filter",
  );
  refuseOthers(others, "batchOperationKey, itemKey, processInstanceKey, operationType, state");
  const items = keysOf(itemKey, "filter.itemKey");
  const instances = keysOf(processInstanceKey, "filter.processInstanceKey");
  return {
    filter: {
      batchKeys: keysOf(batchOperationKey, "filter.batchOperationKey"),
      // Every item is a process instance: both are its key.
      executionIds:
        items === null || instances === null ? (items ?? instances) : items.filter((key) => instances.includes(key)),
      states: ifTypeFits(operationType, statesOf(state, BATCH_ITEM_STATES, ITEM_STATE_NAMES)),
    },
    slice: sliceOf(page),
  };
}

/** The `page` of an answer. Cursors are positions. */
export function pageJson({ from }: Slice, count: number, total: number): JsonObject {
  return {
    totalItems: total,
    hasMoreTotalItems: false,
    startCursor: count === 0 ? null : cursorOf(from),
    endCursor: count === 0 ? null : cursorOf(from + count),
  };
}

function refuseSort(json: JsonValue | undefined): void {
  if (listOf(json, "sort").length > 0) throw invalidField("sort", "is not known here: leave it out");
}

function refuseOthers(others: JsonObject, known: string): void {
  const [name] = Object.keys(others);
  if (name !== undefined) throw invalidField(`filter.${name}`, `can't be filtered by; known are: ${known}`);
}

/** The values that a property may have: one, or an object of `$eq` or `$in`. Null: any. */
function valuesOf(json: JsonValue | undefined, field: string): readonly JsonValue[] | null {
  if (json === null || json === undefined) return null;
  if (typeof json !== "object" || Array.isArray(json)) return [json];
  const { $eq, $in, ...others } = json;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalidField(field, `does not know the operator ${unknown}; it knows: $eq, $in`);
  if ($eq !== undefined && $in !== undefined) throw invalidField(field, "must have one of: $eq, $in");
  if ($in !== undefined) return listOf($in, `${field}.$in`);
  return $eq === undefined ? null : [$eq];
}

function keysOf(json: JsonValue | undefined, field: string): readonly string[] | null {
  return valuesOf(json, field)?.map((value) => keyOf(value, field)) ?? null;
}

function statesOf<S extends string>(
  json: JsonValue | undefined,
  states: readonly S[],
  names: Readonly<Record<S, string>>,
): readonly S[] | null {
  const asked = valuesOf(json, "filter.state")?.map((value) => textOf(value, "filter.state"));
  return asked === undefined ? null : states.filter((state) => asked.includes(names[state]));
}

/** Another type than the one that there is selects nothing. */
function ifTypeFits<S>(type: JsonValue | undefined, states: readonly S[] | null): readonly S[] | null {
  const types = valuesOf(type, "filter.operationType");
  return types === null || types.includes(BATCH_TYPE) ? states : [];
}

function sliceOf(json: JsonValue | undefined): Slice {
  const page = objectOf(json, "page");
  const { after, before } = page;
  const limit = integerOf(page["limit"], "page.limit", { least: 1, most: MAX_LIMIT, absent: DEFAULT_LIMIT });
  if (after !== undefined && after !== null) return { from: positionOf(after, "page.after"), limit };
  if (before !== undefined && before !== null) {
    const end = positionOf(before, "page.before");
    return { from: Math.max(0, end - limit), limit: Math.min(limit, end) };
  }
  const from = integerOf(page["from"], "page.from", { least: 0, most: Number.MAX_SAFE_INTEGER, absent: 0 });
  return { from, limit };
}

function cursorOf(position: number): string {
  return Buffer.from(`#${position}`).toString("base64");
}

function positionOf(json: JsonValue, field: string): number {
  const digits = /^#([0-9]{1,15})$/.exec(Buffer.from(textOf(json, field), "base64").toString())?.[1];
  if (digits === undefined) throw invalidField(field, "was not made by this search; use a cursor of the page before");
  return Number(digits);
}
