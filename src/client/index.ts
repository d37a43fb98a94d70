/**
 * Belay's client library: runs work so that it can be stopped, and speaks to the service.
 *
 * The messages of the contract are under `belay/gen/…`, for example `belay/gen/belay/v1/cancellation_pb`.
 */
export { type Belay, type BelayOptions, createBelay } from "./belay.ts";
export type { Cancellation, RequestedBy, StrategyName } from "./cancellation.ts";
export type { Claim, ResultAnswer, StopAnswer, WorkError } from "./claim.ts";
export { CancellationError, ClientClosedError, LeaseLostError, UnreachableError } from "./errors.ts";
export type { DetailOfKind, ExecutionOptions, ListenerOptions } from "./execution_options.ts";
export type { ExecutionRef, KindName } from "./execution_ref.ts";
export type { ListenerHandler, ListenerWorker, ServeListenerOptions } from "./listener_worker.ts";
export type { Logger } from "./logger.ts";
export type { RunningExecution, Work } from "./run.ts";
export type { SignalName, StopOrder } from "./stop_order.ts";
