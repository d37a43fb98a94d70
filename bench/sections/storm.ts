/** A storm: very many executions are cancelled by one filter, while single cancels go on. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import { decimal, whole } from "../figures.ts";
import type { Latency } from "../load/order.ts";
import { type LoadProcess, startLoadProcess } from "../load/process.ts";
import { registeredSupply, type Supply } from "../load/supply.ts";
import { DEFAULT_FILLING, fillStore } from "../scale/fill_store.ts";
import type { Section, SectionContext, SectionResult } from "../section.ts";
import { startBelay } from "../servers/belay.ts";
import { median } from "../statistics.ts";
import { cancelAllOf, type Storm } from "../storm/batch_operation.ts";

export const storm: Section = { title: "A storm of cancels by one filter", run };

const FULL_ITEMS = 100_000;
const QUICK_ITEMS = 10_000;

/** Single cancels a second, before the storm and beside it. */
const SINGLE_RATE = 400;
const SINGLE_LANES = { connections: 4, streams: 64 } as const;

/** How long single cancels are watched before the storm, in seconds. */
const CALM_SECONDS = 1;
const SHORTEST_SECONDS = 0.3;

/** Chance decides how many calls there are in a span; this is far more than it ever does. */
const SPARE = 1.5;
const SPARE_CALLS = 100;

/** In milliseconds: so that the single cancels are under way when the storm begins. */
const HEAD_START = 100;

const BOUNDS = { rate: 50_000, p99: 20 } as const;

interface Round {
  /** Nothing else happens. */
  readonly alone: Storm;
  /** Single cancels go on. */
  readonly amongSingles: Storm;
  /** Of single cancels before the storm, and during it. */
  readonly calm: Latency;
  readonly during: Latency;
}

async function run({ rounds, isQuick, folder, onProgress }: SectionContext): Promise<SectionResult> {
  const items = isQuick ? QUICK_ITEMS : FULL_ITEMS;
  const load = startLoadProcess();
  try {
    const measured: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      onProgress(`round ${round} of ${rounds}`);
      measured.push(await measureRound(load, folder, items));
    }
    return resultOf(measured, items);
  } finally {
    load.close();
  }
}

/** On a new store, whose process instances are cancelled in two halves: first alone, then among single cancels. */
async function measureRound(load: LoadProcess, folder: string, items: number): Promise<Round> {
  const database = mkdtempSync(join(folder, "storm-"));
  const file = join(database, "belay.db");
  const fill = (firstId: number, processDefinitionId: string): Promise<void> =>
    fillStore(file, {
      executions: items,
      held: 0,
      firstId,
      detail: { ...DEFAULT_FILLING.detail, processDefinitionId },
    });
  await fill(1, "first");
  await fill(1 + items, "second");
  const belay = await startBelay(database);
  try {
    const singles = registeredSupply(load, belay.url, "pending");
    await cancelSingly(load, belay.url, singles, CALM_SECONDS);
    const alone = await cancelAllOf(belay.url, "first", items);
    const calm = await cancelSingly(load, belay.url, singles, CALM_SECONDS);
    const seconds = Math.max(SHORTEST_SECONDS, alone.inStore / 1000);
    await singles.stock(callsIn(seconds));
    const during = cancelSingly(load, belay.url, singles, seconds);
    await passed(HEAD_START);
    const [amongSingles, latency] = await Promise.all([cancelAllOf(belay.url, "second", items), during]);
    return { alone, amongSingles, calm, during: latency };
  } finally {
    await belay.close();
  }
}

async function cancelSingly(load: LoadProcess, url: string, singles: Supply, seconds: number): Promise<Latency> {
  const count = callsIn(seconds);
  const first = await singles.stock(count);
  const flow = { call: "cancel", first, count, rate: SINGLE_RATE } as const;
  const { flows } = await load.pace({ wire: "grpc", url, flows: [flow], seconds, ...SINGLE_LANES });
  singles.take(count);
  const [cancels] = flows;
  if (cancels === undefined) throw new Error("no single cancel was sent");
  return cancels.latency;
}

function callsIn(seconds: number): number {
  return Math.ceil(SINGLE_RATE * seconds * SPARE) + SPARE_CALLS;
}

function resultOf(rounds: readonly Round[], items: number): SectionResult {
  const rate = (which: "alone" | "amongSingles", span: "inStore" | "endToEnd"): number =>
    median(rounds.map((round) => (items / round[which][span]) * 1000));
  const singles = (when: "calm" | "during", part: keyof Latency): number =>
    median(rounds.map((round) => round[when][part]));
  return {
    tables: [
      {
        caption: `${whole(items)} process instances cancelled by one filter, a second`,
        columns: ["", "in the store", "from the request until a client sees the end"],
        rows: [
          ["nothing else happens", whole(rate("alone", "inStore")), whole(rate("alone", "endToEnd"))],
          [
            `${SINGLE_RATE} single cancels a second besides`,
            whole(rate("amongSingles", "inStore")),
            whole(rate("amongSingles", "endToEnd")),
          ],
        ],
      },
      {
        caption: `Single cancels over gRPC, ${SINGLE_RATE} a second, in ms`,
        columns: ["", "p50", "p99", "longest"],
        rows: (["calm", "during"] as const).map((when) => [
          when === "calm" ? "before the storm" : "during the storm",
          decimal(singles(when, "p50")),
          decimal(singles(when, "p99")),
          decimal(singles(when, "max")),
        ]),
      },
    ],
    verdicts: [
      {
        what: `a storm of ${whole(items)} cancels, in the store`,
        figure: `${whole(rate("alone", "inStore"))}/s`,
        baseline: `among single cancels ${whole(rate("amongSingles", "inStore"))}/s`,
        value: rate("alone", "inStore"),
        unit: "/s",
        should: "be at least",
        bound: BOUNDS.rate,
      },
      {
        what: "p99 of single cancels during the storm",
        figure: `${decimal(singles("during", "p99"))} ms`,
        baseline: `before it ${decimal(singles("calm", "p99"))} ms`,
        value: singles("during", "p99"),
        unit: "ms",
        should: "be at most",
        bound: BOUNDS.p99,
      },
    ],
    notes: [],
    charts: [],
    measured: rounds,
  };
}
