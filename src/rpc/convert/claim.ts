/** A worker's claim on an execution, and the lease it gets. */
import { create } from "@bufbuild/protobuf";
import {
  type Lease as LeaseMessage,
  LeaseSchema,
  type WorkerClaim,
} from "../../../gen/belay/v1/execution_service_pb.ts";
import type { Claim } from "../../domain/command.ts";
import type { Execution } from "../../domain/execution.ts";
import type { Millis } from "../../domain/time.ts";
import { invalidRequest } from "../errors.ts";
import { millisOfSeconds, secondsOfMillis, timestampMessage } from "./time.ts";

/** How long a lease lasts where its worker does not say: short enough that a lost worker shows soon, long enough for a slow network. */
const DEFAULT_LEASE: Millis = 15_000;

/** Null if nothing is claimed. */
export function optionalClaimOf(message: WorkerClaim | undefined): Claim | null {
  return message === undefined ? null : claimOf(message);
}

/** The claim that the request must make. */
export function requiredClaim(message: WorkerClaim | undefined): Claim {
  if (message === undefined) throw invalidRequest([{ field: "claim", description: "is required" }]);
  return claimOf(message);
}

function claimOf(message: WorkerClaim): Claim {
  const { workerId, leaseSeconds } = message;
  return { workerId, leaseDuration: leaseSeconds === 0 ? DEFAULT_LEASE : millisOfSeconds(leaseSeconds) };
}

/** The lease that `claim` got; unset if nothing was claimed. */
export function leaseMessage({ lease }: Execution, claim: Claim | null): LeaseMessage | undefined {
  if (claim === null || lease === null || lease.workerId !== claim.workerId) return undefined;
  return create(LeaseSchema, {
    token: BigInt(lease.token),
    expireTime: timestampMessage(lease.expiresAt),
    leaseSeconds: secondsOfMillis(lease.duration),
  });
}
