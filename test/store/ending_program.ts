// Opens a store with a thread on the given file, does what it is told with it, and has nothing else to live for.
import { openThreaded } from "./threaded_store.ts";

const [, , path = "", ...todo] = process.argv;
const { store, thread, handedOver } = await openThreaded(path);
if (todo.includes("write")) {
  thread.ref();
  await handedOver;
  thread.unref();
  await store.dropEffect(1);
  await store.dropEffect(2);
}
if (todo.includes("close")) await store.close();
