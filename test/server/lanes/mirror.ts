/** Handlers that show what reached them, and answer as the request says. */
import { EventEmitter, once } from "node:events";
import { Code, ConnectError, type ConnectRouter, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { CancellationService, CancelProcessStatus } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { Refused, refusal } from "../../../src/domain/refusal.ts";

export interface Mirror {
  readonly routes: (router: ConnectRouter) => void;
  /** What happened to calls of "waits" and "stuck". */
  readonly events: string[];
  /** Resolves when the handler of "waits" or "stuck" runs. */
  reached(): Promise<void>;
  /** Lets "waits" answer. */
  release(): void;
}

export function createMirror(): Mirror {
  const events: string[] = [];
  const emitter = new EventEmitter();
  const wait = async ({ signal }: HandlerContext, isReleased: boolean): Promise<void> => {
    events.push("reached");
    signal.addEventListener("abort", () => {
      const { code, message } = ConnectError.from(signal.reason);
      events.push(`left: ${Code[code]}, ${message}`);
    });
    emitter.emit("reached");
    await (isReleased ? once(emitter, "released") : new Promise(() => {}));
  };
  return {
    routes: (router) => router.service(CancellationService, handlers(wait)),
    events,
    reached: async () => {
      await once(emitter, "reached");
    },
    release: () => emitter.emit("released"),
  };
}

function handlers(
  wait: (context: HandlerContext, isReleased: boolean) => Promise<void>,
): Partial<ServiceImpl<typeof CancellationService>> {
  return {
    async cancelProcess({ processId, reason }, context) {
      switch (processId) {
        case "waits":
          await wait(context, true);
          break;
        case "stuck":
          await wait(context, false);
          break;
        case "sends metadata":
          sendMetadata(context);
          break;
        case "fails with metadata":
          sendMetadata(context);
          throw failure(Code.NotFound, reason);
        case "fails":
          throw failure(Number(reason), "it failed: ünïcode and 100 % \n of it");
        case "missing":
          throw new Refused(refusal("execution_not_found", "no such process", { kind: "process", id: processId }));
        case "faulty":
          throw new Error("the secret of the store");
      }
      return { status: CancelProcessStatus.CANCEL_REQUESTED, activeQueueItemIds: [reason, ...whatReached(context)] };
    },
    getCancellation({ cancellationId }, context) {
      return { cancellation: { id: cancellationId, reason: whatReached(context).join("\n") } };
    },
    listCancellations({ pageToken }) {
      // The token says how many bytes to answer.
      return { cancellations: [{ reason: "x".repeat(Number(pageToken)) }] };
    },
  };
}

function sendMetadata({ responseHeader, responseTrailer }: HandlerContext): void {
  for (const [headers, which] of [
    [responseHeader, "header"],
    [responseTrailer, "trailer"],
  ] as const) {
    headers.append(`x-custom-${which}`, "foo");
    headers.append(`x-custom-${which}`, "bar");
    headers.set(`x-custom-${which}-bin`, "AAEC/w");
  }
}

function failure(code: Code, message: string): ConnectError {
  const error = new ConnectError(message, code, { "x-custom-header": "of the error", "x-error-bin": "AP8" });
  error.details.push({ desc: ErrorInfoSchema, value: { reason: "MIRRORED", domain: "test", metadata: { message } } });
  return error;
}

/** The context as a handler finds it. Of a deadline only the whole seconds are sure. */
function whatReached(context: HandlerContext): string[] {
  const { protocolName, requestMethod, service, method, url, requestHeader } = context;
  const left = context.timeoutMs();
  return [
    `${protocolName} ${requestMethod} ${service.typeName}/${method.name} at ${new URL(url).pathname}`,
    left === undefined ? "no deadline" : `about ${Math.ceil(left / 1000)} s left`,
    ...Array.from(requestHeader, ([name, value]) => `${name}: ${value}`),
  ];
}
