/** The requests under way, and how they end when the server stops. */
import type { Millis } from "../domain/time.ts";
import { Bag } from "../service/bag.ts";
import type { Exchange } from "./exchange.ts";
import { shuttingDown } from "./protocol_error.ts";

// For calls that were given up to say so, before their connections are cut.
const LAST_WORDS: Millis = 1_000;

export interface Traffic {
  /** Counts the exchange until its response is closed. */
  enter(exchange: Exchange): void;
  /**
   * Ends the streams at once, since nothing else would, and gives all other calls up after `grace`. Resolves when no request is under
   * way, or none that still listens.
   */
  drain(grace: Millis): Promise<void>;
}

export function createTraffic(): Traffic {
  const underWay = new Bag<Exchange>();
  let draining = false;
  let onEmpty = (): void => {};

  const windDown = (exchange: Exchange): void => {
    if (exchange.call.streams) exchange.abort(shuttingDown());
    // HTTP/2 connections were told already.
    const { request, response } = exchange;
    if (request.httpVersionMajor < 2 && !response.headersSent) response.setHeader("connection", "close");
  };

  const empty = async (timeout: Millis): Promise<void> => {
    if (underWay.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    onEmpty = resolve;
    const timer = setTimeout(resolve, timeout);
    await promise;
    clearTimeout(timer);
  };

  return {
    enter(exchange) {
      const leave = underWay.add(exchange);
      exchange.response.on("close", () => {
        leave();
        if (underWay.size === 0) onEmpty();
      });
      if (draining) windDown(exchange);
    },
    async drain(grace) {
      draining = true;
      for (const exchange of underWay.values()) windDown(exchange);
      await empty(grace);
      for (const exchange of underWay.values()) exchange.abort(shuttingDown());
      await empty(LAST_WORDS);
    },
  };
}
