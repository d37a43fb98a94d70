/** What can be asked of a search of process instances, and what it answers. */
import type { Execution } from "../domain/execution.ts";

/** What rows are compared by. */
export type SearchValue = string | number;

/** What can be compared: text, but for the version and `has_incident` (0 or 1), which are numbers, and times, in milliseconds. */
export type ProcessInstanceField =
  | "key"
  | "state"
  | "definition_id"
  | "definition_name"
  | "definition_version"
  | "definition_version_tag"
  | "definition_key"
  | "parent_key"
  | "parent_element_key"
  | "business_id"
  | "has_incident"
  | "started_at"
  | "ended_at";

export type SearchCondition =
  | {
      readonly field: ProcessInstanceField;
      readonly operator: "eq" | "neq" | "gt" | "gte" | "lt" | "lte";
      readonly value: SearchValue;
    }
  | {
      readonly field: ProcessInstanceField;
      readonly operator: "in" | "not_in";
      readonly values: readonly SearchValue[];
    }
  /** `*` stands for any text, `?` for any one character, a backslash makes the next one stand for itself. */
  | { readonly field: ProcessInstanceField; readonly operator: "like"; readonly pattern: string }
  | { readonly field: ProcessInstanceField; readonly operator: "exists"; readonly value: boolean };

/** All of it must hold. */
export interface SearchConditions {
  readonly conditions: readonly SearchCondition[];
  /** It must have each of these tags. */
  readonly tags: readonly string[];
}

export interface ProcessInstanceFilter extends SearchConditions {
  /** One of these must hold too. Empty: no matter. */
  readonly anyOf: readonly SearchConditions[];
}

export interface SearchOrder {
  readonly field: ProcessInstanceField;
  readonly descending: boolean;
}

/** Where a page begins: at a position, after the last one of another page, or so that it ends before the first one of another. */
export type SearchPlace = { readonly from: number } | { readonly after: string } | { readonly before: string };

export interface ProcessInstanceSearch {
  readonly filter: ProcessInstanceFilter;
  /** What comes first decides first. Those that are the same in it, and all without it: oldest first. */
  readonly order: readonly SearchOrder[];
  readonly place: SearchPlace;
  readonly limit: number;
}

export interface FoundProcessInstances {
  readonly items: readonly Execution[];
  /** How many there are on all pages. At most 10,000: searching counts no further. */
  readonly total: number;
  /** True if there are more than were counted. */
  readonly isTotalCapped: boolean;
  /** For the page before and the page after; null on an empty page. */
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}
