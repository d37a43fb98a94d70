/** Shows the key with every call, where the server wants one. */
import type { Interceptor } from "@connectrpc/connect";

/** @param key undefined: none is shown */
export function showKey(key: string | undefined): Interceptor[] {
  if (key === undefined || key === "") return [];
  return [
    (next) => (call) => {
      call.header.set("authorization", `Bearer ${key}`);
      return next(call);
    },
  ];
}
