/** How an execution stands: read afresh, where a Cancel RPC could not say it. */
import { toJson } from "@bufbuild/protobuf";
import { type Cancellation, CancellationSchema } from "../../gen/belay/v1/cancellation_pb.ts";
import { type Connection, READ_TIMEOUT } from "./connection.ts";
import { jsonObject } from "./json_output.ts";
import { type KindAccess, type Standing, sent } from "./kinds/kind_access.ts";

/** Reads the execution and its latest cancellation, with the timeline. Its JSON has the fields that all cancel responses share. */
export async function readStanding(connection: Connection, access: KindAccess, id: string): Promise<Standing> {
  const { execution, json } = await access.get(connection, id, { timeoutMs: READ_TIMEOUT });
  const cancellation =
    execution.cancellation === undefined ? null : await readCancellation(connection, execution.cancellation.id);
  return {
    execution,
    cancellation,
    json: {
      ...(cancellation === null ? {} : { cancellation: jsonObject(toJson(CancellationSchema, cancellation)) }),
      [access.field]: json,
    },
  };
}

/** Reads a cancellation with its timeline. */
export async function readCancellation({ cancellations }: Connection, id: string): Promise<Cancellation> {
  const { cancellation } = await cancellations.getCancellation({ cancellationId: id }, { timeoutMs: READ_TIMEOUT });
  return sent(cancellation, "cancellation");
}
