/** Names a command, so that repeating it replays its first answer. */
export interface Idempotency {
  /** Who asks. The same command id of another principal is another command. */
  readonly principal: string;
  /** The method, for example "CancelProcess". */
  readonly method: string;
  readonly commandId: string;
  /** SHA-256 of the canonical request without its command id, in hex. */
  readonly fingerprint: string;
  /**
   * True for a command that registers an execution under an id that is minted: then its own id is unique in the tenant, because whoever
   * repeats it knows no other name of the execution. Left out: unique in the execution.
   */
  readonly isMinting?: boolean;
}
