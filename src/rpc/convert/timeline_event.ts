/** What happened to an execution. */
import { create } from "@bufbuild/protobuf";
import { type TimelineEvent, TimelineEventSchema } from "../../../gen/belay/v1/cancellation_pb.ts";
import { describeEvent } from "../../domain/event.ts";
import type { StoredEvent } from "../../service/service.ts";
import { EVENT_TYPE_MESSAGES } from "./enums.ts";
import { refMessage } from "./execution_ref.ts";
import { timestampMessage } from "./time.ts";

export function timelineEventMessage(event: StoredEvent): TimelineEvent {
  return create(TimelineEventSchema, {
    sequence: BigInt(event.sequence),
    time: timestampMessage(event.at),
    type: EVENT_TYPE_MESSAGES[event.type],
    message: describeEvent(event.type, event.attributes),
    execution: refMessage(event.key),
    cancellationId: event.cancellationId ?? "",
    attributes: { ...event.attributes },
  });
}
