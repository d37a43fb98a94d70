#!/usr/bin/env node
/** Starts the command line. Node keeps what it compiles beside this package, so that a start takes about half as long from the second on. */
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { limitHelperThreads } from "./helper_threads.ts";

// Of all commands only the server has so much to do that it matters.
if (process.argv[2] === "serve") limitHelperThreads();

// Whoever may write there may change the package itself. If nobody may, nothing is kept, and that is all.
enableCompileCache(join(import.meta.dirname, "../../.cache/compiled"));

await import("./program.ts");
