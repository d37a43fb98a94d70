// Writes the tables of docs/dialects.md from the dialects. What stands above its marker is written by hand and kept.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { printDialectTables } from "./print-dialect-tables.ts";

const path = resolve(import.meta.dirname, "../docs/dialects.md");
const marker = "<!-- Below: made by scripts/dialect-tables.ts from src/rest. -->\n";

const [byHand, ...rest] = readFileSync(path, "utf8").split(marker);
if (rest.length !== 1) throw new Error(`${path} has no marker, or more than one: ${marker}`);
writeFileSync(path, `${byHand}${marker}\n${printDialectTables()}`);
