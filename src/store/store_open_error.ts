/** The store can't be opened. The message says why, and what would be right. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
}
