/** Sends the callbacks of executions that have ended: one signed POST, and what became of it. */
import { createHmac } from "node:crypto";
import type { Execution } from "../domain/execution.ts";
import type { Millis } from "../domain/time.ts";
import type { Clock } from "./clock.ts";

/** How long a receiver may take to answer. */
const ANSWER_DEADLINE: Millis = 10_000;

/** How many attempts it takes to believe a receiver that does not want the callback: it may be in the middle of a deployment. */
export const MAX_REFUSED_ATTEMPTS = 5;

/** How long a receiver that can't be reached, or is not well, is tried for. */
export const GIVE_UP_AFTER: Millis = 24 * 60 * 60 * 1000;

/** The 4xx that say "not now" rather than "never": Request Timeout and Too Many Requests. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 429]);

export interface CallbackOptions {
  /** Signs the callbacks; null: they are sent unsigned. */
  readonly secret: string | null;
  /** What is sent, as JSON. The same at every attempt. */
  readonly bodyOf: (execution: Execution) => string;
}

/** `failed`: to be tried again. `given_up`: not any more. `message`: what the receiver answered, or why it could not be asked. */
type CallbackResult = { readonly type: "delivered" | "failed" | "given_up"; readonly message: string };

interface CallbackAttempt {
  readonly execution: Execution;
  readonly url: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Since when the callback is owed. */
  readonly owedSince: Millis;
}

export interface CallbackSender {
  send(attempt: CallbackAttempt): Promise<CallbackResult>;
  /** Ends the calls under way, which then have failed. */
  stop(): void;
}

export function createCallbackSender({ secret, bodyOf }: CallbackOptions, clock: Clock): CallbackSender {
  const stopped = new AbortController();
  return {
    send: async ({ execution, url, attempt, owedSince }) => {
      const body = bodyOf(execution);
      const timestamp = String(Math.floor(clock.now() / 1000));
      const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(ANSWER_DEADLINE)]);
      const answer = await post(url, body, headersOf(timestamp, body, secret), signal);
      const message = typeof answer === "number" ? `HTTP ${answer}` : answer.failure;
      if (typeof answer === "number" && answer >= 200 && answer < 300) return { type: "delivered", message };
      const isOver = isRefusal(answer) ? attempt >= MAX_REFUSED_ATTEMPTS : clock.now() - owedSince >= GIVE_UP_AFTER;
      return { type: isOver ? "given_up" : "failed", message };
    },
    stop: () => stopped.abort(),
  };
}

/** The headers that PhoneFarm documents. A receiver computes the signature of what it got, and compares. */
function headersOf(timestamp: string, body: string, secret: string | null): Record<string, string> {
  return {
    "content-type": "application/json",
    "user-agent": "phonefarm-callback/1.0",
    "x-phonefarm-timestamp": timestamp,
    ...(secret === null ? {} : { "x-phonefarm-signature": signatureOf(timestamp, body, secret) }),
  };
}

function signatureOf(timestamp: string, body: string, secret: string): string {
  return createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
}

type Answer = number | { readonly failure: string };

/**
 * The status that the receiver answered with. Redirects are not followed: who may choose the URL at registration is not to choose
 * another one later. What the receiver says in its body is not read, so that nothing of it can be shown to anybody.
 */
async function post(url: string, body: string, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
  try {
    const response = await fetch(url, { method: "POST", redirect: "manual", headers, body, signal });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    return { failure: describeFailure(error) };
  }
}

function isRefusal(answer: Answer): boolean {
  return typeof answer === "number" && answer >= 400 && answer < 500 && !PASSING_STATUSES.has(answer);
}

/** fetch hides what went wrong behind "fetch failed". */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${ANSWER_DEADLINE / 1000} seconds`;
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // Where several addresses were tried, only the code says what went wrong.
  return cause.message === "" && "code" in cause ? String(cause.code) : cause.message;
}
