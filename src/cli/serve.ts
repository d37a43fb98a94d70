/** `belay serve`: runs the server until it is told to stop. */
import { Command } from "commander";
import type { RunningServer, ServerConfig } from "../server/config.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { addServeOptions, configOf, type ServeOptions } from "./serve_options.ts";

const EXAMPLES = `
Examples:
  belay serve
  belay serve --port 9000 --db /var/lib/belay/belay.db
  BELAY_PORT=9000 BELAY_LOG_LEVEL=warn belay serve
  belay serve --tls-cert cert.pem --tls-key key.pem

SIGTERM or SIGINT shuts the server down in order: calls under way may finish. A second one stops it at once; nothing that was
answered is lost.`;

export function serveCommand(): Command {
  const command = new Command("serve").description(
    "Run the server: gRPC, gRPC-Web, Connect and HTTP/JSON on one port.",
  );
  return addServeOptions(command)
    .addHelpText("after", EXAMPLES)
    .action((options: ServeOptions) => serve(configOf(options)));
}

async function serve(config: ServerConfig): Promise<void> {
  const stopped = untilTold(config);
  const server = await start(config);
  console.error(`belay: listening on ${server.url} (gRPC, gRPC-Web, Connect, HTTP/JSON)`);
  if (config.apiKeys.length === 0) {
    console.error("belay: on the loopback interface only, because no keys are configured (--api-key)");
  }
  await stopped;
  await server.close();
  console.error("belay: stopped");
}

/** Resolves at the first signal to stop. The second one ends the process at once, with the exit code that shells expect. */
function untilTold({ shutdownGrace }: ServerConfig): Promise<void> {
  return new Promise((resolve) => {
    let told = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (told) process.exit(signal === "SIGINT" ? 130 : 143);
      told = true;
      const grace = (shutdownGrace / 1000).toString();
      console.error(`belay: ${signal}: stopping, waiting up to ${grace} s for calls under way; again to stop at once`);
      resolve();
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}

async function start(config: ServerConfig): Promise<RunningServer> {
  // Only this command needs the server, and loading it takes longer than the other commands run.
  const [{ startServer }, { StoreOpenError }] = await Promise.all([
    import("../server/main.ts"),
    import("../store/sqlite/open.ts"),
  ]);
  try {
    return await startServer(config);
  } catch (error) {
    if (error instanceof StoreOpenError) throw usage(error, error.message);
    throw listenFailure(error, config);
  }
}

function listenFailure(error: unknown, { host, port }: ServerConfig): unknown {
  if (!(error instanceof Error && "code" in error)) return error;
  // OpenSSL's own complaints about the certificate or its key.
  if (String(error.code).startsWith("ERR_OSSL")) {
    return usage(
      error,
      `the TLS certificate or its key can't be used (${error.message}): give PEM files that fit together`,
    );
  }
  switch (error.code) {
    case "EADDRINUSE":
      return usage(error, `port ${port} on ${host} is in use: stop what listens there, or choose another with --port`);
    case "EACCES":
      return usage(error, `port ${port} may not be opened by this user: choose one from 1024 on with --port`);
    case "EADDRNOTAVAIL":
      return usage(error, `${host} is not an address of this machine: choose 127.0.0.1 or ::1 with --host`);
    default:
      return error;
  }
}

function usage(cause: Error, message: string): CommandFailure {
  return new CommandFailure(message, EXIT.usage, { cause });
}
