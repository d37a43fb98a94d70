/** Errors on their way from one thread to another: a copy that the runtime makes would lose their class, code and refusal. */
import { type Refusal, Refused } from "../../domain/refusal.ts";

/** An error as plain data. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
  readonly code: string | null;
  /** Null: it is not a refusal. */
  readonly refusal: Refusal | null;
  readonly cause: ErrorData | null;
}

export function dataOfError(error: unknown): ErrorData {
  if (!(error instanceof Error)) {
    return { name: "Error", message: String(error), stack: null, code: null, refusal: null, cause: null };
  }
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    stack: stack ?? null,
    code: "code" in error && typeof error.code === "string" ? error.code : null,
    refusal: error instanceof Refused ? error.refusal : null,
    cause: cause === undefined ? null : dataOfError(cause),
  };
}

export function errorOfData({ name, message, stack, code, refusal, cause }: ErrorData): Error {
  const options = cause === null ? {} : { cause: errorOfData(cause) };
  const error = refusal === null ? new Error(message, options) : new Refused(refusal, options);
  // Not enumerable, as those of any error, so that logs show them once.
  const own = { name, ...(stack !== null && { stack }) };
  for (const [key, value] of Object.entries(own)) {
    Object.defineProperty(error, key, { value, writable: true, configurable: true });
  }
  return code === null ? error : Object.assign(error, { code });
}
