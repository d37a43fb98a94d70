/**
 * Lets calls begin one after another, one in each turn of the event loop. What arrives in the meantime waits for one of them, not for all
 * that came before it.
 */
export interface Turns {
  /** Resolves when the call may begin. */
  take(): Promise<void>;
}

export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  const beginNext = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(beginNext);
  };
  return {
    take: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 1) setImmediate(beginNext);
      }),
  };
}
