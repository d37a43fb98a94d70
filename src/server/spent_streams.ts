/** The streams of HTTP/2 whose calls are over. */
import type { Http2Stream } from "node:http2";

/**
 * Lets go of all that listens to a stream once it is closed. Node keeps in each stream a function that refers to it, of a kind that V8 makes
 * as an old object (`onwrite` in WritableState): so a stream lives until the whole heap is collected, and with it whatever it refers to.
 */
export function forgetListeners(stream: Http2Stream): void {
  stream.once("close", () => {
    // Nothing is told of a closed stream. The listeners to the removal first: each of the others would be announced to them.
    stream.removeAllListeners("removeListener").removeAllListeners();
  });
}
