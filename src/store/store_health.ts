/** Whether a store can work now. */
export interface StoreHealth {
  /** Resolves if it can be read and written. Rejects with `store_unavailable` if not. */
  check(): Promise<void>;
  /** Calls `listener` whenever a call has failed because the store can't work, until the returned function is called. */
  onTrouble(listener: () => void): () => void;
}
