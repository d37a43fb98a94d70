/** A writer whose functions are carried out elsewhere. */
import type { SqliteWriter } from "./writer.ts";
import type { CallWriter } from "./writer_functions.ts";

export function createRemoteWriter(call: CallWriter, close: () => Promise<void>): SqliteWriter {
  return {
    commands: {
      apply: (...args) => call("commands.apply", args),
      recordAnswer: (...args) => call("commands.recordAnswer", args),
      forgetCommands: (...args) => call("commands.forgetCommands", args),
      claimEffects: (...args) => call("commands.claimEffects", args),
      postponeEffect: (...args) => call("commands.postponeEffect", args),
      returnEffects: (...args) => call("commands.returnEffects", args),
      dropEffect: (...args) => call("commands.dropEffect", args),
    },
    batchOperations: {
      create: (...args) => call("batchOperations.create", args),
      change: (...args) => call("batchOperations.change", args),
      forgetCommands: (...args) => call("batchOperations.forgetCommands", args),
      cancelNext: (...args) => call("batchOperations.cancelNext", args),
      settle: (...args) => call("batchOperations.settle", args),
      release: (...args) => call("batchOperations.release", args),
    },
    apiKeys: {
      insert: (...args) => call("apiKeys.insert", args),
      revoke: (...args) => call("apiKeys.revoke", args),
      secret: (...args) => call("apiKeys.secret", args),
    },
    audit: {
      append: (...args) => call("audit.append", args),
    },
    pruning: {
      removeExecutions: (...args) => call("pruning.removeExecutions", args),
      removeBatchOperations: (...args) => call("pruning.removeBatchOperations", args),
      removeAuditEvents: (...args) => call("pruning.removeAuditEvents", args),
    },
    health: {
      read: (...args) => call("health.read", args),
      write: (...args) => call("health.write", args),
    },
    connection: { close },
  };
}
