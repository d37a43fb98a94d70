/** What became of one input. */
export type Outcome =
  /** Answered, and the answer is as it should be. */
  | { readonly kind: "answered" }
  /** The server ended the stream or the connection, as it may when it can't understand what comes. */
  | { readonly kind: "cut" }
  /** The call waits for something that does not happen, and its client has gone. */
  | { readonly kind: "given_up" }
  /** The server did what it must not. */
  | { readonly kind: "finding"; readonly what: string };

export const ANSWERED: Outcome = { kind: "answered" };
export const CUT: Outcome = { kind: "cut" };
export const GIVEN_UP: Outcome = { kind: "given_up" };

export function finding(what: string): Outcome {
  return { kind: "finding", what };
}
