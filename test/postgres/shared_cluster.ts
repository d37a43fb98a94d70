/** One PostgreSQL for all tests of a file that need nothing but databases of their own. */
import { afterAll } from "vitest";
import { type Cluster, startCluster } from "./cluster.ts";

let shared: Promise<Cluster> | null = null;

afterAll(async () => {
  await (await shared)?.stop();
});

/** Ended after the last test of the file. */
export function sharedCluster(): Promise<Cluster> {
  shared ??= startCluster();
  return shared;
}
