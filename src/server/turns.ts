/**
 * Lets calls begin one after another, each in a turn of the event loop of its own. What arrives in the meantime waits for one of them, not
 * for all that came before it.
 */
export interface Turns {
  /** Resolves when the call may begin. */
  take(): Promise<void>;
}

/**
 * How many turns the others have for themselves after each: as many as a cancel takes, which is read in one, handed to the store in
 * another, and answered in a third. Where nothing else is to be done they pass in no time.
 */
const TURNS_BETWEEN = 3;

export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  const beginNext = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) afterTurns(1 + TURNS_BETWEEN, beginNext);
  };
  return {
    take: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 1) setImmediate(beginNext);
      }),
  };
}

function afterTurns(count: number, then: () => void): void {
  setImmediate(count === 1 ? then : () => afterTurns(count - 1, then));
}
