/** A verifier of the audit log, written from nothing but what the contract says of AuditEvent: no code of the log is in it. */
import { createHash } from "node:crypto";

/** An event, as the contract names what the hash is made of. */
export interface Link {
  readonly number: number;
  readonly hash: string;
  readonly previousHash: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly action: string;
  readonly principal: string;
  readonly name: string;
  readonly address: string;
  readonly requestedBy: string;
  /** Empty, like the id, without an execution. */
  readonly kind: string;
  readonly executionId: string;
  readonly reason: string;
  readonly outcome: string;
  readonly message: string;
  readonly cancellationId: string;
  readonly requestId: string;
  readonly count: number;
}

/** What does not fit, one line each; none: it is the log that was written. */
export function faultsOf(links: readonly Link[]): string[] {
  const faults: string[] = [];
  for (const [index, link] of links.entries()) {
    const before = links[index - 1];
    if (link.hash !== hashOf(link)) faults.push(`event ${link.number} is not what was hashed`);
    if (link.number !== (before?.number ?? 0) + 1) faults.push(`event ${link.number} is not the next one`);
    if (link.previousHash !== (before?.hash ?? ""))
      faults.push(`event ${link.number} does not follow from the one before`);
  }
  return faults;
}

export function hashOf(link: Link): string {
  const members = [
    text(link.previousHash),
    link.number,
    link.time,
    text(link.action),
    text(link.principal),
    text(link.name),
    text(link.address),
    text(link.requestedBy),
    text(link.kind),
    text(link.executionId),
    text(link.reason),
    text(link.outcome),
    text(link.message),
    text(link.cancellationId),
    text(link.requestId),
    link.count,
  ];
  return createHash("sha256")
    .update(Buffer.from(`[${members.join(",")}]`, "utf8"))
    .digest("hex");
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A JSON string in which quotes, backslashes and control characters are escaped, and nothing else. */
function text(value: string): string {
  const escaped = [...value].map((character) => {
    const code = character.codePointAt(0) ?? 0;
    return SHORT[character] ?? (code < 0x20 ? `\\u${code.toString(16).padStart(4, "0")}` : character);
  });
  return `"${escaped.join("")}"`;
}
