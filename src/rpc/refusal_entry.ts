/** What the audit log keeps of a call that was refused before it was decided. */
import { Code } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import type { Caller } from "../gate/identity.ts";
import type { AuditEntry } from "../gate/refusal_log.ts";

export type { AuditEntry } from "../gate/refusal_log.ts";

/** What was asked for. */
export interface AuditSubject extends Pick<AuditEntry, "action" | "execution" | "reason" | "requestedBy"> {}

/** Where refusals are written down. */
export interface RefusalSink {
  /** Resolves once it is durable. */
  add(entry: AuditEntry): Promise<void>;
  /** For refusals that are to cost nothing. */
  addLater(entry: AuditEntry): void;
}

/** A request that was never checked may hold anything. */
const MAX_TEXT = 4096;
const MAX_ID = 255;

/** Where it is written if nobody was recognised: the log of the server's operator. */
const OPERATORS_TENANT = "default";

/** How the call was answered. */
interface CallRefusal {
  readonly code: Code;
  /** As in ErrorInfo; empty: there is none. */
  readonly reason: string;
  readonly message: string;
}

export interface RefusedCall {
  readonly subject: AuditSubject;
  /** Null: whoever called was not recognised. */
  readonly caller: Caller | null;
  readonly address: string;
  readonly requestId: string;
  readonly refusal: CallRefusal;
}

/** Writes down a refusal. Refusals of a flood are not waited for: the answer is to stay cheap. */
export async function recordRefusal(sink: RefusalSink, call: RefusedCall): Promise<void> {
  const entry = refusalEntry(call);
  if (call.refusal.code === Code.ResourceExhausted) sink.addLater(entry);
  else await sink.add(entry);
}

/** What the audit log keeps of it. */
export function refusalEntry({ subject, caller, address, requestId, refusal }: RefusedCall): AuditEntry {
  const { execution } = subject;
  return {
    action: subject.action,
    execution: execution === null || execution.id === "" ? null : { ...execution, id: execution.id.slice(0, MAX_ID) },
    reason: subject.reason.slice(0, MAX_TEXT),
    requestedBy: subject.requestedBy,
    tenant: caller?.tenant ?? OPERATORS_TENANT,
    principal: caller?.principal ?? "",
    name: caller?.name ?? "",
    address,
    requestId,
    outcome: refusal.reason || codeToString(refusal.code).toUpperCase(),
    message: refusal.message.slice(0, MAX_TEXT),
    cancellationId: "",
    count: 1,
  };
}
