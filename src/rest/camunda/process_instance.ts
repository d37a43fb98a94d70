/** Process instances as Camunda shows them: sixteen members, none of which is ever left out. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { ProcessInstance } from "../../../gen/belay/v1/execution_pb.ts";
import { type ExecutionRef, Kind } from "../../../gen/belay/v1/execution_ref_pb.ts";
import type { State } from "../../domain/execution.ts";
import { stateOfMessage } from "../../rpc/convert/enums.ts";

export type InstanceState = "ACTIVE" | "COMPLETED" | "TERMINATED";

/** A member that has no value is null. Keys are text, times ISO 8601 in UTC. */
export interface ProcessInstanceJson {
  readonly processDefinitionId: string;
  readonly processDefinitionName: string | null;
  readonly processDefinitionVersion: number;
  readonly processDefinitionVersionTag: string | null;
  readonly startDate: string;
  readonly endDate: string | null;
  readonly state: InstanceState;
  readonly hasIncident: boolean;
  readonly tenantId: string;
  readonly processInstanceKey: string;
  readonly processDefinitionKey: string;
  readonly parentProcessInstanceKey: string | null;
  readonly parentElementInstanceKey: string | null;
  /** Its own key if it is a root. */
  readonly rootProcessInstanceKey: string | null;
  readonly tags: readonly string[];
  readonly businessId: string | null;
}

/** Camunda's clients take no empty id and no empty key. These stand for a definition that was not named at registration. */
const NO_DEFINITION_ID = "unknown";
const NO_DEFINITION_KEY = "-1";

export function processInstanceJson(
  { execution, detail, hasIncident }: ProcessInstance,
  tenant: string,
): ProcessInstanceJson {
  const key = execution?.ref?.id ?? "";
  return {
    processDefinitionId: detail?.processDefinitionId || NO_DEFINITION_ID,
    processDefinitionName: detail?.processDefinitionName ?? null,
    processDefinitionVersion: detail?.processDefinitionVersion ?? 0,
    processDefinitionVersionTag: detail?.processDefinitionVersionTag ?? null,
    // An instance that no worker has started yet is active to Camunda, and has a start.
    startDate: dateOf(execution?.startTime ?? execution?.createTime) ?? new Date(0).toISOString(),
    endDate: dateOf(execution?.endTime),
    state: instanceStateOf((execution && stateOfMessage(execution.state)) ?? "pending"),
    hasIncident,
    tenantId: tenantIdOf(tenant),
    processInstanceKey: key,
    processDefinitionKey: detail?.processDefinitionKey || NO_DEFINITION_KEY,
    parentProcessInstanceKey: instanceKeyOf(execution?.parent),
    parentElementInstanceKey: detail?.parentElementInstanceKey ?? null,
    rootProcessInstanceKey: execution?.root === undefined ? key : instanceKeyOf(execution.root),
    tags: detail?.tags ?? [],
    businessId: detail?.businessId ?? null,
  };
}

/** Camunda knows no failed instances: one that did not complete was terminated. */
export function instanceStateOf(state: State): InstanceState {
  switch (state) {
    case "pending":
    case "running":
    case "cancelling":
      return "ACTIVE";
    case "completed":
      return "COMPLETED";
    case "failed":
    case "cancelled":
      return "TERMINATED";
  }
}

/** Camunda's name of the tenant that is there without any being set up. */
export function tenantIdOf(tenant: string): string {
  return tenant === "default" ? "<default>" : tenant;
}

/** Null for an execution of another kind: it has no such key. */
function instanceKeyOf(ref: ExecutionRef | undefined): string | null {
  return ref?.kind === Kind.PROCESS_INSTANCE ? ref.id : null;
}

function dateOf(time: Timestamp | undefined): string | null {
  return time === undefined ? null : timestampDate(time).toISOString();
}
