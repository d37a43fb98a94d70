/** The sections by name. */
import type { Section, SectionName } from "../section.ts";
import { coldStart } from "./cold_start.ts";
import { latency } from "./latency.ts";
import { reads } from "./reads.ts";
import { scale } from "./scale.ts";
import { signals } from "./signals.ts";
import { storm } from "./storm.ts";
import { throughput } from "./throughput.ts";

export const SECTIONS: Readonly<Record<SectionName, Section>> = {
  throughput,
  latency,
  reads,
  signals,
  storm,
  scale,
  cold_start: coldStart,
};
