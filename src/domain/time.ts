/** Milliseconds: a point in time since the epoch (UTC), or a span. */
export type Millis = number;
