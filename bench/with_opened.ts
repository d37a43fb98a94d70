/** What is opened for a while is closed in the end, the last first, whether that while ends well or not. */

/** @param use says by `opened.defer` how to close what it opens */
export async function withOpened<T>(use: (opened: AsyncDisposableStack) => Promise<T>): Promise<T> {
  const opened = new AsyncDisposableStack();
  try {
    return await use(opened);
  } finally {
    await opened.disposeAsync();
  }
}
