/** The network port: every protocol on one address, and an orderly end. */

import type { AddressInfo } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import type { Millis } from "../domain/time.ts";
import type { JudgeUnreadable } from "../rpc/unreadable_calls.ts";
import { type AdmissionHandlerOptions, createAdmissionHandler } from "./admission_handler.ts";
import { createCorsHandler } from "./cors.ts";
import {
  type Exchange,
  inOrder,
  type NodeRequest,
  type NodeResponse,
  openExchange,
  type RequestHandler,
} from "./exchange.ts";
import { createHeadGuard } from "./head_guard.ts";
import { createHealth } from "./health.ts";
import { answerFault, answerNotFound } from "./last_answers.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { listen } from "./listener.ts";
import { createLocalHostHandler, type LocalHostOptions } from "./local_host.ts";
import { isLoopback } from "./loopback.ts";
import { peerOf, type TrustedProxies } from "./peer.ts";
import { createPipeliningGuard } from "./pipelining.ts";
import { routeReflection } from "./reflection.ts";
import { logRequest } from "./request_log.ts";
import { createRpcHandler } from "./rpc_handler.ts";
import type { Tls } from "./tls.ts";
import { createTraffic } from "./traffic.ts";

export interface PortOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Null: cleartext. */
  readonly tls: Tls | null;
  /** Registers the services. Health and reflection are added. */
  readonly routes: (router: ConnectRouter) => void;
  /** The services that `routes` registers, for health and reflection. */
  readonly services: readonly DescService[];
  /** Asked, in this order, for what is no RPC. */
  readonly handlers?: (limits: Limits) => readonly RequestHandler[];
  /** Around every call; the first one is the outermost. */
  readonly interceptors: readonly Interceptor[];
  /** Judges calls whose request can't be read. Not given: what is wrong with it is answered as it is. */
  readonly judgeUnreadable?: JudgeUnreadable;
  /** The proxies that are believed when they say for whom they ask. Default: none. */
  readonly trustedProxies?: TrustedProxies;
  /** The origins whose pages may call, for example "https://ops.example.com"; "*" for every one. */
  readonly corsOrigins: readonly string[];
  /** How long `close` waits for the calls under way. */
  readonly shutdownGrace: Millis;
  readonly logger: Logger;
  /** Those that are not given have the default of DEFAULT_LIMITS. */
  readonly limits?: Partial<Limits>;
  /** Refuses requests to other hosts than this machine: for a port that needs no credentials. Not given: takes every host. */
  readonly localNamesOnly?: Omit<LocalHostOptions, "host">;
  /** Whether ordinary calls take a lane of ours, and not Connect's. Default: true. */
  readonly lanes?: boolean;
  /** Refuses calls while the server has more to do than it can. Not given: refuses none. */
  readonly admission?: Omit<AdmissionHandlerOptions, "services">;
}

export interface Port {
  /** For example "http://127.0.0.1:8080", with the port that was chosen. */
  readonly url: string;
  readonly address: AddressInfo;
  /** What grpc.health.v1 says. True from the start, false from `close` on. */
  setServing(serving: boolean): void;
  /**
   * Stops: health says NOT_SERVING, no connection is taken any more, streams end with UNAVAILABLE, and unary calls have the grace to
   * finish before they are given up with UNAVAILABLE. Resolves when no connection is left. Asking twice is safe.
   */
  close(): Promise<void>;
}

/** Listens. Rejects with the error of the system if the address is taken, forbidden or unknown. */
export async function startPort(options: PortOptions): Promise<Port> {
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { logger, services, trustedProxies: proxies = null } = options;
  const health = createHealth(services);
  const traffic = createTraffic();

  const doors = inOrder([
    createRpcHandler({
      limits,
      interceptors: options.interceptors,
      judgeUnreadable: options.judgeUnreadable,
      lanes: options.lanes ?? true,
      quietServices: new Set([Health, ServerReflection, ServerReflectionAlpha].map((service) => service.typeName)),
      routes(router) {
        options.routes(router);
        router.service(Health, health.service);
        routeReflection(router, [...services, Health]);
      },
    }),
    ...(options.handlers?.(limits) ?? []),
    answerNotFound,
  ]);
  const answer = inOrder([
    createPipeliningGuard(limits),
    createHeadGuard(limits),
    ...(options.localNamesOnly ? [createLocalHostHandler({ host: options.host, ...options.localNamesOnly })] : []),
    createCorsHandler({ origins: options.corsOrigins, loopback: isLoopback(options.host) }),
    options.admission === undefined ? doors : createAdmissionHandler({ ...options.admission, services }, doors),
  ]);

  const onRequest = (request: NodeRequest, response: NodeResponse): void => {
    const exchange = openExchange(request, response, peerOf(request, proxies), limits.stallTimeout);
    response.on("close", () => logRequest(logger, exchange));
    dispatch(exchange, answer).catch((reason) => answerFault(exchange, reason));
    traffic.enter(exchange);
  };
  const listener = await listen(
    { host: options.host, port: options.port, tls: options.tls, limits, logger },
    onRequest,
  );

  const stop = async (): Promise<void> => {
    health.setServing(false);
    listener.stopAccepting();
    await traffic.drain(options.shutdownGrace);
    await listener.closeConnections();
  };
  let stopped: Promise<void> | undefined;

  return {
    url: urlOfPort(options.tls === null ? "http" : "https", listener.address),
    address: listener.address,
    setServing: (serving) => health.setServing(serving),
    close() {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Runs until its first wait in the same tick, so that the call is known when the exchange is counted. */
async function dispatch(exchange: Exchange, answer: RequestHandler): Promise<void> {
  await answer(exchange);
}

function urlOfPort(scheme: "http" | "https", { address, family, port }: AddressInfo): string {
  return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
