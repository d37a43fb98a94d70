/** Camunda's search of process instances: what is asked, and what is answered. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { processInstanceMessage } from "../../rpc/convert/process_instance.ts";
import type {
  FoundProcessInstances,
  ProcessInstanceField,
  ProcessInstanceSearch,
  SearchOrder,
  SearchPlace,
} from "../../service/service.ts";
import { processInstanceFilterOf } from "./filter.ts";
import { integerOf, invalidField, listOf, objectOf, textOf } from "./json_fields.ts";
import { processInstanceJson } from "./process_instance.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;

export function searchOf(json: JsonValue, tenant: string): ProcessInstanceSearch {
  const { filter, sort, page } = objectOf(json, "body");
  const pageJson = objectOf(page, "page");
  return {
    filter: processInstanceFilterOf(filter, tenant),
    order: ordersOf(sort),
    place: placeOf(pageJson),
    limit: integerOf(pageJson["limit"], "page.limit", { least: 1, most: MAX_LIMIT, absent: DEFAULT_LIMIT }),
  };
}

const SORT_FIELDS: ReadonlyMap<string, ProcessInstanceField> = new Map([
  ["processInstanceKey", "key"],
  ["processDefinitionId", "definition_id"],
  ["processDefinitionName", "definition_name"],
  ["processDefinitionVersion", "definition_version"],
  ["processDefinitionVersionTag", "definition_version_tag"],
  ["processDefinitionKey", "definition_key"],
  ["parentProcessInstanceKey", "parent_key"],
  ["parentElementInstanceKey", "parent_element_key"],
  ["startDate", "started_at"],
  ["endDate", "ended_at"],
  ["state", "state"],
  ["hasIncident", "has_incident"],
  ["businessId", "business_id"],
]);

/** One more would only decide between those that are the same in all. */
const MAX_SORT = 20;

function ordersOf(json: JsonValue | undefined): SearchOrder[] {
  const items = listOf(json, "sort");
  if (items.length > MAX_SORT) throw invalidField("sort", `must have at most ${MAX_SORT} items`);
  return items.flatMap((item, index) => {
    const place = `sort[${index}]`;
    return orderOf(objectOf(item, place), place);
  });
}

/** All that a caller finds is of one tenant, so that sorting by it changes nothing. */
function orderOf({ field, order }: JsonObject, place: string): SearchOrder[] {
  const descending = isDescending(order, `${place}.order`);
  if (field === "tenantId") return [];
  const column = SORT_FIELDS.get(typeof field === "string" ? field : "");
  if (column === undefined) {
    throw invalidField(`${place}.field`, `must be one of: ${[...SORT_FIELDS.keys(), "tenantId"].join(", ")}`);
  }
  return [{ field: column, descending }];
}

function isDescending(json: JsonValue | undefined, field: string): boolean {
  if (json === null || json === undefined) return false;
  const order = typeof json === "string" ? json.toUpperCase() : "";
  if (order !== "ASC" && order !== "DESC") throw invalidField(field, "must be one of: ASC, DESC");
  return order === "DESC";
}

function placeOf({ from, after, before }: JsonObject): SearchPlace {
  const given = Object.entries({ from, after, before }).filter(([, value]) => value !== undefined && value !== null);
  if (given.length > 1) {
    throw invalidField(
      "page",
      `must have at most one of: from, after, before; not ${given.map(([name]) => name).join(" and ")}`,
    );
  }
  if (after !== undefined && after !== null) return { after: textOf(after, "page.after") };
  if (before !== undefined && before !== null) return { before: textOf(before, "page.before") };
  return { from: integerOf(from, "page.from", { least: 0, most: Number.MAX_SAFE_INTEGER, absent: 0 }) };
}

export function foundJson(found: FoundProcessInstances, tenant: string) {
  return {
    items: found.items.map((execution) => processInstanceJson(processInstanceMessage(execution), tenant)),
    page: {
      totalItems: found.total,
      hasMoreTotalItems: found.isTotalCapped,
      startCursor: found.startCursor,
      endCursor: found.endCursor,
    },
  };
}
