/** Kysely's dialect of PostgreSQL, with values that PostgreSQL can keep. */
import { type Dialect, PostgresDialect, PostgresQueryCompiler } from "kysely";
import type pg from "pg";

export function createDialect(pool: pg.Pool): Dialect {
  const dialect = new PostgresDialect({ pool });
  return {
    createDriver: () => dialect.createDriver(),
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => new KeepableValues(),
  };
}

/** PostgreSQL has no U+0000 in texts. It becomes U+FFFD wherever it is written, and where it is looked for. */
class KeepableValues extends PostgresQueryCompiler {
  protected override appendValue(value: unknown): void {
    super.appendValue(Array.isArray(value) ? value.map(keepable) : keepable(value));
  }
}

function keepable(value: unknown): unknown {
  return typeof value === "string" && value.includes("\u0000") ? value.replaceAll("\u0000", "\ufffd") : value;
}

/** An escape in JSON. The third sort is half a character, or U+0000. */
const ESCAPE = /\\(?:[^u]|u(?!0000|[dD][89a-fA-F])|(u....))/g;

/**
 * PostgreSQL reads no JSON that has U+0000, or half a character, in an escape: one such row would make it refuse every search that comes
 * across it.
 */
export function keepableJson(json: string): string {
  if (!json.includes("\\u")) return json;
  return json.replaceAll(ESCAPE, (whole, unreadable: string | undefined) =>
    unreadable === undefined ? whole : "\\ufffd",
  );
}
