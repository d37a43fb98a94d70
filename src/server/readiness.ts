/** Readiness: the server says that it serves as long as its store can work. */
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import type { StoreHealth } from "../store/store_health.ts";

const LOOK_EVERY: Millis = 1_000;

export interface ReadinessOptions {
  readonly health: StoreHealth;
  /** Told of every change. True is assumed at the beginning. */
  readonly setServing: (serving: boolean) => void;
  readonly logger: Logger;
}

/** Looks after the store every second, and at once when a call fails because of it, until the returned function is called. */
export function watchReadiness({ health, setServing, logger }: ReadinessOptions): () => void {
  let isReady = true;
  let isOver = false;
  let isLooking = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    clearTimeout(timer);
    try {
      await health.check();
      tell(true, null);
    } catch (error) {
      tell(false, error);
    }
    isLooking = false;
    if (!isOver) timer = setTimeout(look, LOOK_EVERY);
  };
  const tell = (ready: boolean, error: unknown): void => {
    if (isOver || ready === isReady) return;
    isReady = ready;
    if (ready) logger.info("the store can work again: serving");
    else logger.error({ err: error }, "the store can't work: not serving until it can");
    setServing(ready);
  };

  const forget = health.onTrouble(() => {
    if (isReady) void look();
  });
  void look();
  return () => {
    isOver = true;
    forget();
    clearTimeout(timer);
  };
}
