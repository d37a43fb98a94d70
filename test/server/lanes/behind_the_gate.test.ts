/** The part of the table that asks the whole service, behind its gate. */
import { afterAll, beforeAll, describe, it, vi } from "vitest";
import { DIALECTS } from "../../../src/rest/dialects.ts";
import { createRouteTable } from "../../../src/rest/route_table.ts";
import type { PortOptions } from "../../../src/server/port.ts";
import { type BelayBackendOptions, belayBackend } from "./belay_backend.ts";
import type { Case } from "./case.ts";
import { CREDENTIALS, KEYS, RATE_LIMIT, RATE_LIMITED, RATE_LIMITED_KEYS } from "./cases/credentials.ts";
import { OTHER_HOSTS } from "./cases/hosts.ts";
import { OVERLOADED } from "./cases/overload.ts";
import { furnishRefusals, REFUSALS } from "./cases/refusals.ts";
import { type LanePair, openLanePair } from "./lane_pair.ts";

const table = createRouteTable(DIALECTS);

/** Lets in what only reads. */
const overloaded: PortOptions["admission"] = {
  admission: { enter: (rank) => (rank === "critical" ? null : () => undefined), close: () => undefined },
  table,
  onShed: () => undefined,
};

const PARTS: readonly {
  readonly what: string;
  readonly cases: readonly Case[];
  readonly backend?: BelayBackendOptions;
  readonly port?: Partial<PortOptions>;
}[] = [
  { what: "refusals and replays", cases: REFUSALS, backend: { furnish: furnishRefusals } },
  { what: "credentials", cases: CREDENTIALS, backend: { keys: KEYS } },
  {
    what: "rate limits",
    cases: RATE_LIMITED,
    backend: { keys: RATE_LIMITED_KEYS, rateLimits: { perKey: RATE_LIMIT } },
  },
  { what: "overload", cases: OVERLOADED, port: { admission: overloaded } },
  { what: "names of other hosts", cases: OTHER_HOSTS, port: { localNamesOnly: { table, isOn: () => true } } },
];

describe.each(PARTS)("both lanes answer alike: $what:", ({ cases, backend, port }) => {
  let pair: LanePair;
  beforeAll(async () => {
    // Callers are told different delays, so that they don't all come back at once.
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    pair = await openLanePair(belayBackend(backend), port);
  });
  afterAll(async () => {
    await pair.close();
    vi.restoreAllMocks();
  });

  it.each([...cases])("$name", (one) => pair.compare(one));
});
