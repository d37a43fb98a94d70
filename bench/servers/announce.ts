/** How an echo server tells the benchmark that it listens. */

/** Sends its URL to the benchmark, and sees to it that this process ends when the benchmark does. */
export function announce(port: number): void {
  process.on("disconnect", () => process.exit());
  process.send?.(`http://127.0.0.1:${port}`);
}
