/** Errors as callers see them: a canonical code, and google.rpc details that programs can read. */
import { create, type DescMessage, type DescMethod, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { KINDS, type Kind } from "../domain/execution.ts";
import type { Refusal } from "../domain/refusal.ts";
import { codeOf, type Reason, reasonOfCode } from "./reasons.ts";
import { retryDelayOf } from "./retry_delay.ts";

/** The domain of every google.rpc.ErrorInfo. */
const ERROR_DOMAIN = "belay.v1";

/** One broken field of a request. */
export interface FieldViolation {
  /** The path of the field in proto names, for example `leases[0].execution.id` or `labels["team"]`. Empty: the whole message. */
  readonly field: string;
  /** What would be right, as the rest of a sentence that begins with the field. */
  readonly description: string;
}

/** A failure in the words of the domain. */
export interface Failure {
  readonly reason: Reason;
  readonly message: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  /** After how many seconds to ask again. Not given: what the reason says. */
  readonly retryAfter?: number;
}

interface Detail {
  readonly desc: DescMessage;
  readonly value: MessageInitShape<DescMessage>;
}

/**
 * The error that `method` answers with (null: none was reached). Carries ErrorInfo always; BadRequest, ResourceInfo and RetryInfo with
 * the header Retry-After where they apply.
 */
export function failureToError(failure: Failure, method: DescMethod | null): ConnectError {
  const code = codeOf(failure.reason, method);
  const retryAfter = failure.retryAfter ?? retryDelayOf(failure.reason, failure.metadata);
  const headers = {
    ...(retryAfter !== null && { "retry-after": String(retryAfter) }),
    // RFC 9110 asks for it with every 401.
    ...(failure.reason === "unauthenticated" && { "www-authenticate": "Bearer" }),
  };
  // A message that quotes what was sent may have cut a character in half, which no trailer can carry.
  const message = failure.message.toWellFormed();
  return new ConnectError(message, code, headers, detailsOf({ ...failure, message }, code, retryAfter));
}

/** The error for a refusal of the service; `method` is null where no RPC asked for it. */
export function refusalToError(refusal: Refusal, method: DescMethod | null): ConnectError {
  return failureToError({ ...refusal, violations: violationsOfRefusal(refusal, method) }, method);
}

/** More would overflow the header block in which gRPC carries them. */
const MAX_VIOLATIONS = 32;

/** INVALID_ARGUMENT, naming every broken field (the first 32 of them). */
export function invalidRequest(violations: readonly FieldViolation[]): ConnectError {
  const named = violations.slice(0, MAX_VIOLATIONS);
  const sentences = named.map(({ field, description }) => (field === "" ? description : `${field} ${description}`));
  const unnamed = violations.length - named.length;
  if (unnamed > 0) sentences.push(`and ${unnamed} more`);
  return failureToError({ reason: "invalid_request", message: sentences.join("; "), violations: named }, null);
}

/** Adds the ErrorInfo to an error that has none: one that Connect itself raised, or that an aborted signal carried. */
export function completeError(error: ConnectError, method: DescMethod | null): ConnectError {
  if (errorInfoReason(error) !== "") return error;
  const reason = reasonOfCode(error.code);
  return reason === null ? error : failureToError({ reason, message: error.rawMessage }, method);
}

/** The reason in the error's ErrorInfo, in upper case; empty if it has none. */
export function errorInfoReason(error: ConnectError): string {
  return error.findDetails(ErrorInfoSchema).find((info) => info.domain === ERROR_DOMAIN)?.reason ?? "";
}

function detailsOf(failure: Failure, code: Code, retryAfter: number | null): Detail[] {
  const { reason, message, metadata = {}, violations = [] } = failure;
  const info = create(ErrorInfoSchema, {
    reason: reason.toUpperCase(),
    domain: ERROR_DOMAIN,
    metadata: { ...metadata },
  });
  const details: Detail[] = [{ desc: ErrorInfoSchema, value: info }];
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ field, description }) => ({ field, description }));
    details.push({ desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations }) });
  }
  const resource = code === Code.NotFound ? resourceOf(metadata) : null;
  if (resource !== null) {
    const { type, name } = resource;
    const value = create(ResourceInfoSchema, { resourceType: type, resourceName: name, description: message });
    details.push({ desc: ResourceInfoSchema, value });
  }
  if (retryAfter !== null) {
    const value = create(RetryInfoSchema, { retryDelay: { seconds: BigInt(retryAfter) } });
    details.push({ desc: RetryInfoSchema, value });
  }
  return details;
}

const RESOURCE_TYPES: Readonly<Record<Kind, string>> = {
  process_instance: "belay.v1.ProcessInstance",
  process: "belay.v1.Process",
  workflow_instance: "belay.v1.WorkflowInstance",
  assessment: "belay.v1.Assessment",
  workflow_run: "belay.v1.WorkflowRun",
};

/** The resource that was not found, read from the metadata that its refusal carries. */
function resourceOf(
  metadata: Readonly<Record<string, string>>,
): { readonly type: string; readonly name: string } | null {
  const kind = KINDS.find((known) => known === metadata["kind"]);
  if (kind !== undefined) return { type: RESOURCE_TYPES[kind], name: metadata["id"] ?? "" };
  const cancellationId = metadata["cancellation_id"];
  if (cancellationId !== undefined) return { type: "belay.v1.Cancellation", name: cancellationId };
  const jobKey = metadata["job_key"];
  return jobKey === undefined ? null : { type: "belay.v1.ListenerJob", name: jobKey };
}

/** The field that a refusal is about. The service names it in the metadata where it is not always the same. */
function violationsOfRefusal({ reason, message, metadata }: Refusal, method: DescMethod | null): FieldViolation[] {
  switch (reason) {
    case "idempotency_key_reused":
      return [violationOf(commandFieldOf(method), message)];
    case "invalid_page_token":
      return [violationOf("page_token", message)];
    case "invalid_request":
      return [violationOf(metadata["field"] ?? "", message)];
    default:
      return [];
  }
}

/** Where a call names its command: in its request, or if that has no place for it, in the header. */
function commandFieldOf(method: DescMethod | null): string {
  return method?.input.fields.some(({ name }) => name === "command_id") ? "command_id" : "Idempotency-Key";
}

/** A message that begins with the name of its field does not say it twice. */
function violationOf(field: string, message: string): FieldViolation {
  const prefix = `${field}: `;
  return { field, description: message.startsWith(prefix) ? message.slice(prefix.length) : message };
}
