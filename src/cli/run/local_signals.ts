/** The signals that `belay run` itself gets, from a terminal or from whoever started it. */

/** Ask the command to stop. */
const STOPPING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] satisfies NodeJS.Signals[];
/** Are passed on as they are: they mean whatever they mean to the command. */
const PASSED_ON = ["SIGUSR1", "SIGUSR2", "SIGWINCH"] satisfies NodeJS.Signals[];

export interface LocalSignalHandlers {
  readonly onStop: (signal: NodeJS.Signals) => void;
  readonly onPassedOn: (signal: NodeJS.Signals) => void;
  /** Ctrl-Z. A suspended `belay run` could neither keep the lease nor stop anything, so it is not suspended. */
  readonly onSuspend: () => void;
}

/** Handles the signals from here on. Returns a function that gives them their usual meaning again. */
export function handleLocalSignals({ onStop, onPassedOn, onSuspend }: LocalSignalHandlers): () => void {
  const handlers = new Map<NodeJS.Signals, () => void>([["SIGTSTP", onSuspend]]);
  for (const signal of STOPPING) handlers.set(signal, () => onStop(signal));
  for (const signal of PASSED_ON) handlers.set(signal, () => onPassedOn(signal));
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
