/** What the commands need of a kind of execution: its words, and the way to its RPCs. One file a kind implements it. */
import type { JsonObject } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";
import type { Cancellation, Strategy } from "../../../gen/belay/v1/cancellation_pb.ts";
import type { Execution } from "../../../gen/belay/v1/execution_pb.ts";
import type { Kind, RequestedBy } from "../../../gen/belay/v1/execution_ref_pb.ts";
import type { ListFilter } from "../../../gen/belay/v1/execution_service_pb.ts";
import type { Connection } from "../connection.ts";
import { EXIT } from "../exit_code.ts";
import { CommandFailure } from "../failure.ts";
import type { Fact } from "../table.ts";

/** An execution as the server shows it. */
export interface Shown {
  readonly execution: Execution;
  /** What is particular to its kind, for people. */
  readonly facts: readonly Fact[];
  /** The whole resource in protobuf JSON, for programs. */
  readonly json: JsonObject;
}

interface ListPage {
  readonly shown: readonly Shown[];
  /** Empty: this is the last page. */
  readonly nextPageToken: string;
}

interface ListQuery {
  readonly pageSize: number;
  readonly pageToken: string;
  readonly filter: ListFilter;
  /** Empty: of all workflows. Only for workflow instances. */
  readonly workflowId: string;
}

/** What all five Cancel RPCs are asked. */
export interface CancelWish {
  readonly id: string;
  /** The workflow of a workflow instance; empty: whichever it belongs to. */
  readonly workflowId: string;
  readonly terms: {
    readonly strategy: Strategy;
    readonly forceAfterSeconds?: number;
    readonly reason: string;
    readonly requestedBy: RequestedBy;
    readonly commandId: string;
  };
}

/** How an execution stands after it was asked to be cancelled. */
export interface Standing {
  readonly execution: Execution;
  /** Null if none was asked for: it had ended otherwise. */
  readonly cancellation: Cancellation | null;
  /** The response in protobuf JSON, for programs. */
  readonly json: JsonObject;
}

export interface KindAccess {
  readonly kind: Kind;
  /** What the command line calls it: "workflow-run". */
  readonly word: string;
  readonly plural: string;
  /** The name of the resource in responses: "workflowRun". */
  readonly field: string;
  get(connection: Connection, id: string, options?: CallOptions): Promise<Shown>;
  list(connection: Connection, query: ListQuery, options?: CallOptions): Promise<ListPage>;
  cancel(connection: Connection, wish: CancelWish, options?: CallOptions): Promise<Standing>;
}

/** A part of an answer that a Belay server always sends. */
export function sent<T>(part: T | undefined, name: string): T {
  if (part !== undefined) return part;
  throw new CommandFailure(`the server's answer lacks its ${name}: is it a newer Belay than this command?`, EXIT.fault);
}
