/** How important a call is: an overloaded server refuses those of the lowest rank first. */
import { type DescMethod, getOption } from "@bufbuild/protobuf";
import { Rank as RankOption, rank as rankOption } from "../../gen/belay/v1/rank_pb.ts";

/** The ranks, the most important first. */
export const RANKS = ["critical", "write", "read", "list"] as const;
export type Rank = (typeof RANKS)[number];

const RANKS_OF_OPTION: ReadonlyMap<RankOption, Rank> = new Map([
  [RankOption.CRITICAL, "critical"],
  [RankOption.WRITE, "write"],
  [RankOption.READ, "read"],
  [RankOption.LIST, "list"],
]);

/** The rank that the contract gives the RPC by its option `(belay.v1.rank)`; null if it gives none. */
export function rankOf(method: DescMethod): Rank | null {
  return RANKS_OF_OPTION.get(getOption(method, rankOption)) ?? null;
}
