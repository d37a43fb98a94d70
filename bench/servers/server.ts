/** One of the servers that are measured. */

export interface Server {
  /** For example "http://127.0.0.1:41234". */
  readonly url: string;
  close(): Promise<void>;
}
