/** Names a command, so that repeating it replays its first answer. */
export interface Idempotency {
  /** Who asks. The same command id of another principal is another command. */
  readonly principal: string;
  /** The method, for example "CancelProcess". */
  readonly method: string;
  readonly commandId: string;
  /** SHA-256 of the canonical request without its command id, in hex. */
  readonly fingerprint: string;
}
