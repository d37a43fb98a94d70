import type { Millis } from "../domain/time.ts";

/**
 * How long the dispatcher has for an effect that it took, or was handed directly after the commit, before it counts as forgotten and may
 * be claimed again: well above the deadline of one call to an engine.
 */
export const EFFECT_CLAIM: Millis = 30_000;
