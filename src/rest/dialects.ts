/** All dialects. A new one needs its file, and one line here. */
import { CAMUNDA } from "./camunda/camunda.ts";
import { DATADOG } from "./datadog.ts";
import type { Dialect } from "./dialect.ts";
import { MAXSIGHT } from "./maxsight.ts";
import { PHONEFARM } from "./phonefarm.ts";
import { RETAB } from "./retab.ts";

export const DIALECTS: readonly Dialect[] = [CAMUNDA, PHONEFARM, DATADOG, MAXSIGHT, RETAB];
