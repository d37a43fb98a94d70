/** The database that several servers share, on the command line. */
import { Option } from "commander";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";

export interface DatabaseUrlOptions {
  readonly databaseUrl?: string;
}

/** Judged by `databaseUrlOf` and not while it is parsed: commander shows what a parser refuses, and a password may stand in it. */
export function databaseUrlOption(): Option {
  return new Option("--database-url <url>", "a PostgreSQL database in place of --db; several servers may share it").env(
    "BELAY_DATABASE_URL",
  );
}

export function databaseUrlOf({ databaseUrl }: DatabaseUrlOptions): string | null {
  if (databaseUrl === undefined) return null;
  const url = URL.parse(databaseUrl);
  if (url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1) return databaseUrl;
  throw new CommandFailure(
    "--database-url (BELAY_DATABASE_URL) must be a URL such as postgres://belay@db.example.com/belay",
    EXIT.usage,
  );
}
