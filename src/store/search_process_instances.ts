/** Searching process instances by what stands in their rows: conditions, an order, and pages in it. Over SQLite, for its JSON and GLOB. */
import { type Expression, expressionBuilder, type Kysely, type RawBuilder, type SqlBool, sql } from "kysely";
import { STATES, type State } from "../domain/execution.ts";
import type {
  FoundProcessInstances,
  ProcessInstanceField,
  ProcessInstanceFilter,
  ProcessInstanceSearch,
  SearchCondition,
  SearchConditions,
  SearchOrder,
  SearchValue,
} from "./process_instance_search.ts";
import { executionOf } from "./rows.ts";
import type { Schema } from "./schema.ts";
import { decodeSearchCursor, encodeSearchCursor } from "./search_cursor.ts";

/** A search counts no further: it runs on the thread that answers cancels. As many as Camunda's own search counts. */
const MAX_COUNTED = 10_000;

interface Term {
  readonly expression: Expression<SearchValue>;
  readonly descending: boolean;
}

const eb = expressionBuilder<Schema, "execution">();

export async function searchProcessInstances(
  db: Kysely<Schema>,
  tenant: string,
  { filter, order, place, limit }: ProcessInstanceSearch,
): Promise<FoundProcessInstances> {
  const matching = db
    .selectFrom("execution")
    .where("tenant", "=", tenant)
    .where("kind", "=", "process_instance")
    .where(isSelected(filter));
  const terms = termsOf(order);
  const isBackward = "before" in place;
  let page = matching.limit(limit);
  for (const { expression, descending } of terms) {
    page = page.orderBy(expression, descending === isBackward ? "asc" : "desc");
  }
  if ("from" in place) page = page.offset(place.from);
  else {
    const cursor = isBackward ? place.before : place.after;
    page = page.where(liesBehind(decodeSearchCursor(order, terms.length, cursor), terms, isBackward));
  }
  const values = terms.map(({ expression }) => expression);
  const rows = await page
    .selectAll()
    .select(sql<string>`json_array(${sql.join(values)})`.as("place"))
    .execute();
  if (isBackward) rows.reverse();
  const counted = await db
    .selectFrom(
      matching
        .select("rid")
        .limit(MAX_COUNTED + 1)
        .as("matching"),
    )
    .select((count) => count.fn.countAll<number>().as("total"))
    .executeTakeFirstOrThrow();
  const [first, last] = [rows[0], rows.at(-1)];
  return {
    // Process instances have no queue items.
    items: rows.map((row) => executionOf(row, [])),
    total: Math.min(counted.total, MAX_COUNTED),
    isTotalCapped: counted.total > MAX_COUNTED,
    startCursor: first === undefined ? null : encodeSearchCursor(order, first.place),
    endCursor: last === undefined ? null : encodeSearchCursor(order, last.place),
  };
}

/** True of the process instances that the filter selects. */
export function isSelected(filter: ProcessInstanceFilter): Expression<SqlBool> {
  return eb.and([holds(filter), anyHolds(filter.anyOf)]);
}

const detail = (name: string): RawBuilder<string | null> => sql`(spec_json ->> ${sql.lit(`$.detail.${name}`)})`;

const FIELDS: Readonly<Record<ProcessInstanceField, RawBuilder<SearchValue | null>>> = {
  key: sql`id`,
  state: sql`state`,
  definition_id: detail("processDefinitionId"),
  definition_name: detail("processDefinitionName"),
  // Protobuf's JSON leaves a zero out.
  definition_version: sql`coalesce(${detail("processDefinitionVersion")}, 0)`,
  definition_version_tag: detail("processDefinitionVersionTag"),
  definition_key: detail("processDefinitionKey"),
  parent_key: sql`(case when spec_json ->> '$.parent.kind' = 'process_instance' then spec_json ->> '$.parent.id' end)`,
  parent_element_key: detail("parentElementInstanceKey"),
  business_id: detail("businessId"),
  has_incident: sql`((cancellation_json ->> '$.incidentAt') is not null)`,
  started_at: sql`coalesce(started_at, created_at)`,
  ended_at: sql`ended_at`,
};

const COMPARISONS = { eq: "=", gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;

function holds({ conditions, tags }: SearchConditions): Expression<SqlBool> {
  return eb.and([...conditions.map(conditionHolds), ...tags.map(hasTag)]);
}

function anyHolds(groups: readonly SearchConditions[]): Expression<SqlBool> {
  return groups.length === 0 ? sql<SqlBool>`true` : eb.or(groups.map(holds));
}

function conditionHolds(condition: SearchCondition): Expression<SqlBool> {
  const value = FIELDS[condition.field];
  switch (condition.operator) {
    case "neq":
      return sql`${value} is distinct from ${condition.value}`;
    case "in":
      if (condition.values.length === 0) return sql`false`;
      return sql`${value} in (${sql.join(condition.values)})`;
    case "not_in":
      if (condition.values.length === 0) return sql`true`;
      return sql`(${value} is null or ${value} not in (${sql.join(condition.values)}))`;
    case "like":
      return sql`${value} glob ${globOf(condition.pattern)}`;
    case "exists":
      return condition.value ? sql`${value} is not null` : sql`${value} is null`;
    default:
      return sql`${value} ${sql.raw(COMPARISONS[condition.operator])} ${condition.value}`;
  }
}

function hasTag(tag: string): Expression<SqlBool> {
  return sql`exists (select 1 from json_each(spec_json, '$.detail.tags') as tag where tag.value = ${tag})`;
}

/** SQLite's GLOB, which unlike its LIKE tells upper and lower case apart, has the same wildcards, and sets in place of escapes. */
function globOf(pattern: string): string {
  return pattern.replaceAll(/\\([\s\S])|\[/g, (match, escaped: string | undefined) => {
    const literal = escaped ?? match;
    return /[*?[]/.test(literal) ? `[${literal}]` : literal;
  });
}

/** The states in the order of the names that Camunda gives them: active, completed, terminated. */
const STATE_RANKS: Readonly<Record<State, number>> = {
  pending: 0,
  running: 0,
  cancelling: 0,
  completed: 1,
  failed: 2,
  cancelled: 2,
};

/** Ends with the row number, so that no two rows have the same place. Nulls come before all else. */
function termsOf(order: readonly SearchOrder[]): Term[] {
  const asked = order.flatMap(({ field, descending }) =>
    sortable(field).map((expression) => ({ expression, descending })),
  );
  const last = [sql<number>`created_at`, sql<number>`rid`].map((expression) => ({ expression, descending: false }));
  return [...asked, ...last];
}

function sortable(field: ProcessInstanceField): RawBuilder<SearchValue>[] {
  const value = FIELDS[field];
  switch (field) {
    case "key":
    case "definition_key":
    case "parent_key":
    case "parent_element_key":
      // Integers of any length, as text.
      return [sql`length(coalesce(${value}, ''))`, sql`coalesce(${value}, '')`];
    case "state":
      return [sql`(case state ${sql.join(STATES.map(stateRank), sql` `)} end)`];
    case "definition_version":
    case "has_incident":
    case "started_at":
      return [sql`${value}`];
    case "ended_at":
      return [sql`coalesce(${value}, -1)`];
    default:
      return [sql`coalesce(${value}, '')`];
  }
}

function stateRank(state: State): RawBuilder<unknown> {
  return sql`when ${sql.lit(state)} then ${sql.lit(STATE_RANKS[state])}`;
}

/** True of the rows behind `values` in the order of `terms`; before them if `isBackward`. */
function liesBehind(values: readonly SearchValue[], terms: readonly Term[], isBackward: boolean): Expression<SqlBool> {
  const behind = terms.map(({ expression, descending }, index) => {
    const same = terms.slice(0, index).map((term, at) => sql<SqlBool>`${term.expression} = ${values[at]}`);
    const comparison = sql.raw(descending === isBackward ? ">" : "<");
    return eb.and([...same, sql<SqlBool>`${expression} ${comparison} ${values[index]}`]);
  });
  return eb.or(behind);
}
