/** Where the server is, and the way to it: gRPC over HTTP/2, with or without TLS. */
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { InvalidArgumentError, Option } from "commander";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { mendedSessions } from "../client/mended_sessions.ts";
import { showKey } from "../client/show_key.ts";
import { failureOf } from "./failure.ts";

export interface Connection {
  readonly cancellations: Client<typeof CancellationService>;
  readonly executions: Client<typeof ExecutionService>;
}

/** How long a call that only reads may take, in milliseconds. */
export const READ_TIMEOUT = 10_000;

/** `--address`, which all commands take that talk to a server. */
export function addressOption(): Option {
  return new Option("--address <url>", "where the Belay server is")
    .env("BELAY_ADDRESS")
    .default("http://127.0.0.1:8080")
    .argParser(parseAddress);
}

function parseAddress(text: string): string {
  const example = "It must be a URL such as http://127.0.0.1:8080";
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new InvalidArgumentError(`${example}.`);
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw new InvalidArgumentError(`${example}, without a path, a query or credentials.`);
  }
  return url.origin;
}

/** Talks to the server at `address`, and closes the connection at the end. What goes wrong is thrown in words that say what to do. */
export async function withConnection<T>(address: string, talk: (connection: Connection) => Promise<T>): Promise<T> {
  return withTransport(address, (transport) =>
    talk({
      cancellations: createClient(CancellationService, transport),
      executions: createClient(ExecutionService, transport),
    }),
  );
}

/** As `withConnection`, for whoever talks to other services. */
export async function withTransport<T>(address: string, talk: (transport: Transport) => Promise<T>): Promise<T> {
  // Pings show a dead connection while a watch waits for events.
  const sessionManager = mendedSessions(address, { pingIntervalMs: 10_000, pingTimeoutMs: 5_000 });
  // From the environment only: what stands on a command line can be read by everybody on the machine.
  const interceptors = showKey(process.env["BELAY_API_KEY"]);
  try {
    return await talk(createGrpcTransport({ baseUrl: address, sessionManager, interceptors }));
  } catch (error) {
    throw failureOf(error, address);
  } finally {
    sessionManager.abort();
  }
}
