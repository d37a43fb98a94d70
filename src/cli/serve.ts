/** `belay serve`: runs the server until it is told to stop. */
import { existsSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { Command } from "commander";
import { InsecureAddressError, type RunningServer, type ServerConfig } from "../server/config.ts";
import { isLoopback } from "../server/loopback.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { giveHeapRoom } from "./heap_room.ts";
import { printSettings, settingsOf } from "./print_config.ts";
import { keepFilesPrivate } from "./private_files.ts";
import { addServeOptions, configOf, type ServeOptions } from "./serve_options.ts";

const EXAMPLES = `
Examples:
  belay serve
  belay serve --port 9000 --db /var/lib/belay/belay.db
  BELAY_PORT=9000 BELAY_LOG_LEVEL=warn belay serve
  belay serve --print-config
  belay serve --tls-cert cert.pem --tls-key key.pem --tls-client-ca clients.pem --tls-client-map clients.json

SIGTERM or SIGINT shuts the server down in order: calls under way may finish. A second one stops it at once; nothing that was
answered is lost. With TLS, SIGHUP reads the certificates again; they are read anyway when they change.`;

export function serveCommand(): Command {
  const command = new Command("serve").description(
    "Run the server: gRPC, gRPC-Web, Connect and HTTP/JSON on one port.",
  );
  return addServeOptions(command)
    .option("--print-config", "show every setting and where it comes from, without secrets, and end")
    .option("--json", "with --print-config: as one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: ServeOptions & PrintOptions) => {
      // What ps shows could be read by everybody on the machine, and keys may stand in it. In the environment or in a file they are safer.
      process.title = "belay serve";
      if (options.printConfig === true) {
        printSettings(settingsOf(command, options), options.json === true);
        foresee(configOf(options));
      } else {
        if (options.json === true) throw new CommandFailure("--json is only for --print-config", EXIT.usage);
        await serve(configOf(options));
      }
    });
}

interface PrintOptions {
  readonly printConfig?: boolean;
  readonly json?: boolean;
}

/** Throws what a start would be refused with, as far as that can be told without one. */
function foresee(config: ServerConfig): void {
  const { host, database, apiKeys, oidc, tls } = config;
  if (isLoopback(host) || apiKeys.length > 0 || oidc !== null || (tls?.clients?.mapPath ?? null) !== null) return;
  if (database === ":memory:" || !existsSync(database)) throw new CommandFailure(insecure(config), EXIT.usage);
  console.error(
    `belay: ${host} can be reached from other machines: it is refused unless there are keys in ${database}`,
  );
}

async function serve(config: ServerConfig): Promise<void> {
  giveHeapRoom();
  const stopped = untilTold(config);
  const server = await start(config);
  if (config.tls !== null) reloadWhenTold(server);
  console.error(`belay: listening on ${server.url} (gRPC, gRPC-Web, Connect, HTTP/JSON)`);
  if (server.isOpen) {
    console.error(
      "belay: on the loopback interface only, where everybody may call, because no credentials are configured; `belay keys create` makes a key",
    );
  }
  // Node keeps what it has compiled when the process ends, but not when it is killed. The next start shall be a fast one in any case.
  flushCompileCache();
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

/** Without TLS files there is nothing to reload, and SIGHUP ends the process as always. */
function reloadWhenTold(server: RunningServer): void {
  let reloading = Promise.resolve();
  process.on("SIGHUP", () => {
    console.error("belay: SIGHUP: reading the TLS files again");
    reloading = reloading.then(() => server.reload());
  });
}

async function start(config: ServerConfig): Promise<RunningServer> {
  // Only this command needs the server, and loading it takes longer than the other commands run.
  const [{ startServer }, { TlsFilesError }, { StoreOpenError }] = await Promise.all([
    import("../server/main.ts"),
    import("../server/tls_files.ts"),
    import("../store/store_open_error.ts"),
  ]);
  keepFilesPrivate();
  try {
    return await startServer(config);
  } catch (error) {
    if (error instanceof StoreOpenError || error instanceof TlsFilesError) throw usage(error, error.message);
    if (error instanceof InsecureAddressError) throw usage(error, insecure(config));
    throw listenFailure(error, config);
  }
}

/** Why the address is refused, and the ways out. */
function insecure({ host, database }: ServerConfig): string {
  const ways = [
    ...(database === ":memory:"
      ? []
      : [`make a key (belay keys create --db ${database} --scope admin --description …)`]),
    "give --api-key-file",
    "--oidc-issuer",
    "or --tls-client-ca with --tls-client-map",
    "or listen on 127.0.0.1",
  ];
  return `--host ${host} can be reached from other machines, and no credentials are configured: ${ways.join(", ")}`;
}

function listenFailure(error: unknown, { host, port }: ServerConfig): unknown {
  if (!(error instanceof Error && "code" in error)) return error;
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
