/** Validation: no handler sees a request that breaks the contract's rules. */
import { create, type DescMessage, type DescService, type Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { invalidRequest } from "./errors.ts";
import { findViolations } from "./violations.ts";

/** The innermost interceptor: refuses an invalid request with every broken field named. */
export const validateRequests: Interceptor = (next) => (call) => {
  if (call.stream) return next({ ...call, message: validated(call.method.input, call.message) });
  const violations = findViolations(call.method.input, call.message);
  return violations.length > 0 ? Promise.reject(invalidRequest(violations)) : next(call);
};

async function* validated<T extends Message>(schema: DescMessage, messages: AsyncIterable<T>): AsyncIterable<T> {
  for await (const message of messages) {
    const violations = findViolations(schema, message);
    if (violations.length > 0) throw invalidRequest(violations);
    yield message;
  }
}

/** Compiles the rules of every request, which would cost the first callers about a tenth of a second. */
export function warmUpValidation(services: readonly DescService[]): void {
  for (const { input } of services.flatMap((service) => service.methods)) findViolations(input, create(input));
}
