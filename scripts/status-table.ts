// Writes the tables of docs/status-codes.md from the contract. What stands above its marker is written by hand and kept.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { printStatusTables } from "./print-status-table.ts";

const path = resolve(import.meta.dirname, "../docs/status-codes.md");
const marker = "<!-- Below: made by scripts/status-table.ts from the contract. -->\n";

const [byHand, ...rest] = readFileSync(path, "utf8").split(marker);
if (rest.length !== 1) throw new Error(`${path} has no marker, or more than one: ${marker}`);
writeFileSync(path, `${byHand}${marker}\n${printStatusTables()}`);
