/** Makes the failures of a database known as such: to whoever called, and to whoever looks after it. */
import { Refused } from "../domain/refusal.ts";
import type { StoreHealth } from "./store_health.ts";

export interface Guard extends Pick<StoreHealth, "onTrouble"> {
  /** The same functions, but what they reject with is `store_unavailable` where the database is away or can't work. */
  guard<T extends object>(functions: T): T;
}

export interface GuardOptions {
  /** The refusal for an error that says that the database can't work now; null for every other error. */
  readonly unavailableOf: (error: unknown) => Refused | null;
  /** Why no call can come to anything now; null if it can. Default: null. */
  readonly absence?: () => Refused | null;
}

export function createGuard({ unavailableOf, absence = () => null }: GuardOptions): Guard {
  const listeners = new Set<() => void>();

  const failureOf = (error: unknown): unknown => {
    const refused = isUnavailable(error) ? error : unavailableOf(error);
    if (refused === null) return error;
    for (const listener of [...listeners]) listener();
    return refused;
  };

  return {
    guard: (functions) => {
      // Each is wrapped when it is first asked for, and only then.
      const guarded = new Map<unknown, unknown>();
      return new Proxy(functions, {
        get(target, name, receiver) {
          const value: unknown = Reflect.get(target, name, receiver);
          if (typeof value !== "function") return value;
          const known = guarded.get(value);
          if (known !== undefined) return known;
          const wrapped = async (...args: unknown[]): Promise<unknown> => {
            const refused = name === "close" ? null : absence();
            if (refused !== null) throw refused;
            try {
              return await Reflect.apply(value, target, args);
            } catch (error) {
              throw failureOf(error);
            }
          };
          guarded.set(value, wrapped);
          return wrapped;
        },
      });
    },
    onTrouble: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function isUnavailable(error: unknown): error is Refused {
  return error instanceof Refused && error.refusal.reason === "store_unavailable";
}
