/** How many reads and heartbeats a second, beside servers that do nothing but answer with the same messages. */
import { inArena } from "../arena.ts";
import { echoName, WIRES } from "../cancel_series.ts";
import { decimal, percent, range, whole } from "../figures.ts";
import { callsInFlight, NO_CROWD, PEAK } from "../load/concurrency.ts";
import type { CallType, LoadResult, Wire } from "../load/order.ts";
import { FIRST_NUMBERS } from "../load/supply.ts";
import type { Section, SectionContext, SectionResult } from "../section.ts";
import { ECHO_LIBRARIES } from "../servers/echo.ts";
import { median, ratios, spread } from "../statistics.ts";
import type { Table } from "../table.ts";

export const reads: Section = { title: "Reads and heartbeats a second", run };

/** How many executions are asked for, in turn: each is held by the benchmark's worker. */
const SHOWN = 2_000;

const CALLS: readonly Extract<CallType, "get" | "heartbeat">[] = ["get", "heartbeat"];

interface Row {
  readonly wire: Wire;
  readonly call: CallType;
  readonly server: string;
  readonly url: string;
  readonly rounds: LoadResult[];
}

async function run(context: SectionContext): Promise<SectionResult> {
  const { rounds, seconds, folder, onProgress } = context;
  return await inArena(folder, async ({ load, belay, startEcho }) => {
    const order = { call: "register_running", first: FIRST_NUMBERS.shown, count: SHOWN } as const;
    await load.run({ wire: "grpc", url: belay.url, ...order, seconds: null, ...PEAK.grpc });
    const rows: Row[] = [];
    for (const wire of WIRES) {
      const servers = [{ server: "Belay", url: belay.url }];
      for (const library of ECHO_LIBRARIES[wire]) {
        servers.push({ server: echoName(library), url: await startEcho(library, wire) });
      }
      for (const call of CALLS) rows.push(...servers.map((server): Row => ({ wire, call, ...server, rounds: [] })));
    }
    const measure = ({ wire, call, url }: Row): Promise<LoadResult> =>
      load.run({ wire, url, call, first: FIRST_NUMBERS.shown, count: SHOWN, seconds, ...NO_CROWD[wire] });
    onProgress("warming up");
    for (const row of rows) await measure(row);
    for (let round = 1; round <= rounds; round += 1) {
      onProgress(`round ${round} of ${rounds}`);
      for (const row of rows) row.rounds.push(await measure(row));
    }
    return { tables: CALLS.map((call) => tableOf(call, rows)), verdicts: [], notes: [], charts: [], measured: rows };
  });
}

function tableOf(call: CallType, rows: readonly Row[]): Table {
  return {
    caption: `${call === "get" ? "Gets by id" : "Heartbeats of one lease each"}, ${callsInFlight(NO_CROWD.grpc)} calls in flight`,
    columns: ["", "wire", "calls/s", "lowest–highest", "Belay ÷ this", "refused", "load CPU"],
    rows: rows
      .filter((row) => row.call === call)
      .map((row) => {
        const rates = row.rounds.map(rateOf);
        const own = rows.find((other) => other.call === call && other.wire === row.wire)?.rounds.map(rateOf) ?? [];
        return [
          row.server,
          row.wire,
          whole(median(rates)),
          range(spread(rates), whole),
          decimal(median(ratios(own, rates))),
          percent(median(row.rounds.map(({ calls, refused }) => refused / (calls + refused)))),
          percent(median(row.rounds.map(({ loadCpu }) => loadCpu))),
        ];
      }),
  };
}

function rateOf({ calls, seconds }: LoadResult): number {
  return calls / seconds;
}
