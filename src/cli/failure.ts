/** Why a command failed, in words that say what to do, with the exit code that scripts read. */
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import { printable } from "./printable.ts";

/** Ends the command with a message for people and an exit code for scripts. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The reason of a refusal, as the contract names it: "EXECUTION_NOT_FOUND". Null if the server did not refuse: it gave no answer. */
export function reasonOf(error: ConnectError): string | null {
  return error.findDetails(ErrorInfoSchema)[0]?.reason ?? null;
}

/** True if a call got no answer in its time: the server said so, or the caller's own clock. */
export function isTimeout(error: ConnectError): boolean {
  return error.code === Code.DeadlineExceeded;
}

const EXIT_OF_REASON: Readonly<Record<string, ExitCode>> = {
  EXECUTION_NOT_FOUND: EXIT.notFound,
  CANCELLATION_NOT_FOUND: EXIT.notFound,
  KEY_NOT_FOUND: EXIT.notFound,
  ALREADY_FINISHED: EXIT.finishedBefore,
  STILL_CANCELLING: EXIT.stillCancelling,
  DEADLINE_EXCEEDED: EXIT.unreachable,
  OVERLOADED: EXIT.unreachable,
  RATE_LIMITED: EXIT.unreachable,
  SHUTTING_DOWN: EXIT.unreachable,
  STORE_UNAVAILABLE: EXIT.unreachable,
  IDENTITY_PROVIDER_UNAVAILABLE: EXIT.unreachable,
  WATCHER_TOO_SLOW: EXIT.unreachable,
  INTERNAL: EXIT.fault,
};

/** Turns what a call to the server at `address` threw into a failure that says what to do. */
export function failureOf(error: unknown, address: string): unknown {
  if (!(error instanceof ConnectError)) return error;
  const reason = reasonOf(error);
  if (reason === null) return unanswered(error, address);
  const message = printable(error.rawMessage);
  // A single violation may be the whole message.
  const others = violations(error).filter((violation) => violation !== message);
  const text = [message, ...others, ...advice(error, reason)].join("\n  ");
  return new CommandFailure(text, EXIT_OF_REASON[reason] ?? EXIT.refused, { cause: error });
}

function unanswered(error: ConnectError, address: string): CommandFailure {
  if (isTimeout(error)) {
    return new CommandFailure(`${address} did not answer in time: try again`, EXIT.unreachable, { cause: error });
  }
  const cause = systemErrorOf(error);
  if (error.code === Code.Unimplemented) {
    return new CommandFailure(
      `what answers at ${address} is not a Belay server: name one with --address or BELAY_ADDRESS`,
      EXIT.unreachable,
      { cause: error },
    );
  }
  const why = cause === null ? brokenOff(error, address) : (IN_WORDS[cause] ?? cause);
  return new CommandFailure(
    `cannot reach ${address} (${why}): is \`belay serve\` running? Start it, or name another server with --address or BELAY_ADDRESS`,
    EXIT.unreachable,
    { cause: error },
  );
}

/** A server that expects TLS ends a connection without it and says nothing. */
function brokenOff(error: ConnectError, address: string): string {
  const hint = address.startsWith("http:") ? ", perhaps because it wants an https:// address" : "";
  return error.code === Code.Canceled ? `it closed the connection${hint}` : printable(error.rawMessage);
}

const IN_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name can't be resolved now",
  ETIMEDOUT: "timed out",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ERR_HTTP2_ERROR: "no HTTP/2 there",
  ERR_SSL_WRONG_VERSION_NUMBER: "no TLS there: use an http:// address",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed: name it in NODE_EXTRA_CA_CERTS",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is not trusted: name its authority in NODE_EXTRA_CA_CERTS",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not trusted: name its authority in NODE_EXTRA_CA_CERTS",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is not trusted: name its authority in NODE_EXTRA_CA_CERTS",
};

/** The code of the operating system's or Node's own error behind `error`; null if there is none. */
function systemErrorOf(error: unknown): string | null {
  for (let link = error; link instanceof Error; link = link.cause) {
    if ("code" in link && typeof link.code === "string") return link.code;
  }
  return null;
}

function violations(error: ConnectError): string[] {
  return error
    .findDetails(BadRequestSchema)
    .flatMap((details) => details.fieldViolations)
    .map(({ field, description }) => printable(`${field}: ${description}`));
}

/** What the caller can do about it, where the message does not say so. */
function advice(error: ConnectError, reason: string): string[] {
  switch (reason) {
    case "UNAUTHENTICATED":
      return ["set BELAY_API_KEY to a key that the server knows"];
    case "OVERLOADED":
    case "RATE_LIMITED":
    case "SHUTTING_DOWN":
    case "STORE_UNAVAILABLE":
    case "IDENTITY_PROVIDER_UNAVAILABLE": {
      const seconds = error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds;
      return [seconds ? `try again in ${seconds} s` : "try again"];
    }
    case "IDEMPOTENCY_KEY_REUSED":
      return ["use a new --command-id, or repeat the first request exactly"];
    default:
      return [];
  }
}
