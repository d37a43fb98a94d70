/** The version of this package. */
import { readFileSync } from "node:fs";

/** From package.json, found by the package's own name: its place beside the sources is another than beside the build. */
export function version(): string {
  const path = new URL(import.meta.resolve("belay/package.json"));
  const manifest: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) return String(manifest.version);
  throw new Error(`${path} has no version`);
}
