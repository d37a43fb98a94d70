/** Searching process instances by what stands in their rows: conditions, an order, and pages in it. The same over every database, but for `SearchSql`. */
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

/** What each database has its own SQL for. */
export interface SearchSql {
  /** A text in the details of an execution; null if it is not there. */
  readonly detail: (name: string) => RawBuilder<string | null>;
  /** The same for a whole number. */
  readonly numberDetail: (name: string) => RawBuilder<number | null>;
  /** The id of the parent, if it is a process instance. */
  readonly parentKey: RawBuilder<string | null>;
  /** 1 or 0. */
  readonly hasIncident: RawBuilder<number>;
  readonly hasTag: (tag: string) => Expression<SqlBool>;
  /** `pattern`: see SearchCondition. */
  readonly isLike: (value: Expression<SearchValue | null>, pattern: string) => Expression<SqlBool>;
  /** A JSON array of the values. */
  readonly arrayOf: (values: readonly Expression<SearchValue>[]) => RawBuilder<string>;
  /** A text, to be compared code point by code point. */
  readonly ordered: (text: Expression<string>) => RawBuilder<string>;
}

export async function searchProcessInstances(
  db: Kysely<Schema>,
  dialect: SearchSql,
  tenant: string,
  { filter, order, place, limit }: ProcessInstanceSearch,
): Promise<FoundProcessInstances> {
  const matching = db
    .selectFrom("execution")
    .where("tenant", "=", tenant)
    .where("kind", "=", "process_instance")
    .where(isSelected(dialect, filter));
  const terms = termsOf(dialect, order);
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
  const rows = await page.selectAll().select(dialect.arrayOf(values).as("place")).execute();
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
export function isSelected(dialect: SearchSql, filter: ProcessInstanceFilter): Expression<SqlBool> {
  const fields = fieldsOf(dialect);
  const holds = ({ conditions, tags }: SearchConditions): Expression<SqlBool> =>
    eb.and([
      ...conditions.map((condition) => conditionHolds(dialect, fields, condition)),
      ...tags.map((tag) => dialect.hasTag(tag)),
    ]);
  const { anyOf } = filter;
  return eb.and([holds(filter), anyOf.length === 0 ? sql<SqlBool>`true` : eb.or(anyOf.map(holds))]);
}

type Fields = Readonly<Record<ProcessInstanceField, RawBuilder<SearchValue | null>>>;

function fieldsOf({ detail, numberDetail, parentKey, hasIncident }: SearchSql): Fields {
  return {
    key: sql`id`,
    state: sql`state`,
    definition_id: detail("processDefinitionId"),
    definition_name: detail("processDefinitionName"),
    // Protobuf's JSON leaves a zero out.
    definition_version: sql`coalesce(${numberDetail("processDefinitionVersion")}, 0)`,
    definition_version_tag: detail("processDefinitionVersionTag"),
    definition_key: detail("processDefinitionKey"),
    parent_key: parentKey,
    parent_element_key: detail("parentElementInstanceKey"),
    business_id: detail("businessId"),
    has_incident: hasIncident,
    started_at: sql`coalesce(started_at, created_at)`,
    ended_at: sql`ended_at`,
  };
}

const COMPARISONS = { eq: "=", gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;

function conditionHolds(dialect: SearchSql, fields: Fields, condition: SearchCondition): Expression<SqlBool> {
  const value = fields[condition.field];
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
      return dialect.isLike(value, condition.pattern);
    case "exists":
      return condition.value ? sql`${value} is not null` : sql`${value} is null`;
    default:
      return sql`${value} ${sql.raw(COMPARISONS[condition.operator])} ${condition.value}`;
  }
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
function termsOf(dialect: SearchSql, order: readonly SearchOrder[]): Term[] {
  const fields = fieldsOf(dialect);
  const asked = order.flatMap(({ field, descending }) =>
    sortable(dialect, field, fields[field]).map((expression) => ({ expression, descending })),
  );
  const last = [sql<number>`created_at`, sql<number>`rid`].map((expression) => ({ expression, descending: false }));
  return [...asked, ...last];
}

function sortable(
  { ordered }: SearchSql,
  field: ProcessInstanceField,
  value: RawBuilder<SearchValue | null>,
): RawBuilder<SearchValue>[] {
  switch (field) {
    case "key":
    case "definition_key":
    case "parent_key":
    case "parent_element_key":
      // Integers of any length, as text.
      return [sql`length(coalesce(${value}, ''))`, ordered(sql`coalesce(${value}, '')`)];
    case "state":
      return [sql`(case state ${sql.join(STATES.map(stateRank), sql` `)} end)`];
    case "definition_version":
    case "has_incident":
    case "started_at":
      return [sql`${value}`];
    case "ended_at":
      return [sql`coalesce(${value}, -1)`];
    default:
      return [ordered(sql`coalesce(${value}, '')`)];
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
