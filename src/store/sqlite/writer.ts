/** The half of the store that writes. */
import type { ApiKeys } from "../api_keys.ts";
import type { AuditLog } from "../audit.ts";
import type { BatchOperations } from "../batch_operations.ts";
import type { Pruning } from "../pruning.ts";
import type { Store } from "../store.ts";

/**
 * All that uses the writing connection, in groups of functions. What they take and give is plain data that JSON keeps as it is, so that
 * they can be called from another thread.
 */
export interface SqliteWriter {
  readonly commands: CommandWrites;
  readonly batchOperations: BatchOperationWrites;
  readonly apiKeys: ApiKeyWrites;
  readonly audit: AuditWrites;
  readonly pruning: PruningSteps;
  readonly health: HealthProbes;
  /** Closes the connection. */
  readonly connection: { close(): Promise<void> };
}

type CommandWrites = Pick<
  Store,
  "apply" | "recordAnswer" | "forgetCommands" | "claimEffects" | "postponeEffect" | "returnEffects" | "dropEffect"
>;

export type BatchOperationWrites = Omit<BatchOperations, "find" | "list" | "listItems" | "listEnded" | "hasActive">;

export type ApiKeyWrites = Pick<ApiKeys, "insert" | "revoke" | "secret">;

type AuditWrites = Pick<AuditLog, "append">;

export type PruningSteps = Omit<Pruning, "alone">;

/** Each rejects if it fails. */
export interface HealthProbes {
  read(): Promise<void>;
  write(): Promise<void>;
}
