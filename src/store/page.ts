/** Pages of lists. */

export interface PageRequest {
  readonly size: number;
  /** Empty: the first page. */
  readonly token: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Empty: this is the last page. */
  readonly nextPageToken: string;
}
