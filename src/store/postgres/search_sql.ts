/** How PostgreSQL searches JSON and patterns. */
import { sql } from "kysely";
import type { SearchSql } from "../search_process_instances.ts";

export const POSTGRES_SEARCH: SearchSql = {
  detail: (name) => sql`(spec_json::jsonb #>> ${pathOf("detail", name)})`,
  numberDetail: (name) => sql`((spec_json::jsonb #>> ${pathOf("detail", name)})::bigint)`,
  parentKey: sql`(case when spec_json::jsonb #>> '{parent,kind}' = 'process_instance' then spec_json::jsonb #>> '{parent,id}' end)`,
  hasIncident: sql`((cancellation_json::jsonb ->> 'incidentAt' is not null)::int::bigint)`,
  hasTag: (tag) => sql`coalesce(spec_json::jsonb #> '{detail,tags}' ? ${tag}, false)`,
  isLike: (value, pattern) => sql`${value} like ${likeOf(pattern)}`,
  arrayOf: (values) => sql`json_build_array(${sql.join(values)})::text`,
  ordered: (text) => sql`(${text} collate "C")`,
};

function pathOf(...names: readonly string[]) {
  return sql.lit(`{${names.join(",")}}`);
}

/** LIKE has other wildcards, and the same escapes, but for a backslash at the end, which stands for itself. */
function likeOf(pattern: string): string {
  return pattern.replaceAll(/\\([\s\S])|[*?%_\\]/g, (match, escaped: string | undefined) => {
    if (escaped !== undefined) return /[%_\\]/.test(escaped) ? `\\${escaped}` : escaped;
    if (match === "*") return "%";
    return match === "?" ? "_" : `\\${match}`;
  });
}
