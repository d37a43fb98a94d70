/** Lets web pages of known origins call the server (Cross-Origin Resource Sharing). */
import { cors } from "@connectrpc/connect";
import type { Exchange, RequestHandler } from "./exchange.ts";

/** Which origins may call. */
export interface CorsOptions {
  /** Origins such as "https://ops.example.com"; "*" stands for every one. */
  readonly origins: readonly string[];
  /**
   * Pages of this machine's own web servers may call too. Right for a port that only this machine reaches: development works without
   * settings, and a page from elsewhere still can't press the button through the browser of somebody who runs a server.
   */
  readonly loopback: boolean;
}

const ALLOWED_METHODS = cors.allowedMethods.join(", ");
const ALLOWED_HEADERS = [...cors.allowedHeaders, "Authorization", "Idempotency-Key", "X-Request-Id"].join(", ");
const EXPOSED_HEADERS = [...cors.exposedHeaders, "Retry-After", "X-Request-Id"].join(", ");
// What Chromium caps it at.
const PREFLIGHT_MAX_AGE_SECONDS = "7200";
const LOOPBACK_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * Marks the response as readable for the page that asked, and answers preflights. A page that may not call gets no marks, so its
 * browser sends nothing that changes anything, and shows it no answer.
 */
export function createCorsHandler(options: CorsOptions): RequestHandler {
  return (exchange) => {
    const { origin } = exchange.request.headers;
    if (origin === undefined) return undefined;
    const { response } = exchange;
    response.setHeader("vary", "Origin");
    const allowed = isAllowed(origin, options);
    if (allowed) {
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("access-control-expose-headers", EXPOSED_HEADERS);
    }
    return isPreflight(exchange) ? answerPreflight(exchange, allowed) : undefined;
  };
}

async function answerPreflight({ call, response }: Exchange, allowed: boolean): Promise<void> {
  call.quiet = true;
  if (allowed) {
    response.setHeader("access-control-allow-methods", ALLOWED_METHODS);
    response.setHeader("access-control-allow-headers", ALLOWED_HEADERS);
    response.setHeader("access-control-max-age", PREFLIGHT_MAX_AGE_SECONDS);
  }
  response.statusCode = allowed ? 204 : 403;
  response.end();
}

function isPreflight({ request }: Exchange): boolean {
  return request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
}

function isAllowed(origin: string, { origins, loopback }: CorsOptions): boolean {
  return origins.includes("*") || origins.includes(origin) || (loopback && LOOPBACK_ORIGIN.test(origin));
}
