/** Who asks for something. */
import { create } from "@bufbuild/protobuf";
import { type RequestedBy as RequestedByMessage, RequestedBySchema } from "../../../gen/belay/v1/execution_ref_pb.ts";
import type { RequestedBy } from "../../domain/cancellation.ts";
import { jsonObjectMessage, jsonObjectOf } from "./json.ts";

/** Unset for null. */
export function requestedByMessage(requestedBy: RequestedBy | null): RequestedByMessage | undefined {
  if (requestedBy === null) return undefined;
  const { system, user, metadata } = requestedBy;
  return create(RequestedBySchema, { system, user, metadata: jsonObjectMessage(metadata) });
}

/** Null if unset. */
export function requestedByOf(message: RequestedByMessage | undefined): RequestedBy | null {
  if (message === undefined) return null;
  const { system, user, metadata } = message;
  return { system, user, metadata: jsonObjectOf(metadata, "requested_by.metadata") };
}
