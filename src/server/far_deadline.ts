/** Brings deadlines within the reach of timers. */
import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import type { Millis } from "../domain/time.ts";

// About 24 days. Set to more, a timer fires at once: the caller with the most patience would get the least.
const LONGEST_TIMER: Millis = 2 ** 31 - 1;

/** Changes a timeout header that asks for more than a timer can count to the longest that it can. */
export function shortenFarDeadline(header: Headers): void {
  if (isFar(parseConnectTimeout(header.get("connect-timeout-ms"), Number.MAX_SAFE_INTEGER))) {
    header.set("connect-timeout-ms", String(LONGEST_TIMER));
  }
  if (isFar(parseGrpcTimeout(header.get("grpc-timeout"), Number.MAX_SAFE_INTEGER))) {
    // Its number has at most eight digits, so seconds.
    header.set("grpc-timeout", `${Math.floor(LONGEST_TIMER / 1000)}S`);
  }
}

function isFar({ timeoutMs }: { readonly timeoutMs?: number | undefined }): boolean {
  return timeoutMs !== undefined && timeoutMs > LONGEST_TIMER;
}
