/** How SQLite searches JSON and patterns. */
import { sql } from "kysely";
import type { SearchSql } from "../search_process_instances.ts";

export const SQLITE_SEARCH: SearchSql = {
  detail: (name) => sql`(spec_json ->> ${sql.lit(`$.detail.${name}`)})`,
  // SQLite gives a JSON number as a number.
  numberDetail: (name) => sql`(spec_json ->> ${sql.lit(`$.detail.${name}`)})`,
  parentKey: sql`(case when spec_json ->> '$.parent.kind' = 'process_instance' then spec_json ->> '$.parent.id' end)`,
  hasIncident: sql`((cancellation_json ->> '$.incidentAt') is not null)`,
  hasTag: (tag) => sql`exists (select 1 from json_each(spec_json, '$.detail.tags') as tag where tag.value = ${tag})`,
  isLike: (value, pattern) => sql`${value} glob ${globOf(pattern)}`,
  arrayOf: (values) => sql`json_array(${sql.join(values)})`,
  // As it is: SQLite compares bytes.
  ordered: (text) => sql`${text}`,
};

/** SQLite's GLOB, which unlike its LIKE tells upper and lower case apart, has the same wildcards, and sets in place of escapes. */
function globOf(pattern: string): string {
  return pattern.replaceAll(/\\([\s\S])|\[/g, (match, escaped: string | undefined) => {
    const literal = escaped ?? match;
    return /[*?[]/.test(literal) ? `[${literal}]` : literal;
  });
}
