/** The command line: `belay serve | run | cancel | get | list | watch | resolve | keys | audit | backup | migrate | doctor`. */
import { Command, CommanderError } from "commander";
import { auditCommand } from "./audit.ts";
import { backupCommand } from "./backup.ts";
import { cancelCommand } from "./cancel.ts";
import { doctorCommand } from "./doctor.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { getCommand } from "./get.ts";
import { keysCommand } from "./keys.ts";
import { listCommand } from "./list.ts";
import { migrateCommand } from "./migrate.ts";
import { resolveCommand } from "./resolve.ts";
import { runCommand } from "./run.ts";
import { serveCommand } from "./serve.ts";
import { version } from "./version.ts";
import { watchCommand } from "./watch.ts";

const EXAMPLES = `
Examples:
  belay serve                                       run the server
  belay run --id p-1 -- ./import.sh                 run a command that can be stopped
  belay cancel process p-1 --reason "wrong" --wait  stop it, and see it proven
  belay list cancellations --overdue                what did not stop in time
  belay keys create --scope admin --description me  make a key, so that nobody without one may do this
  belay audit --refused                             who was not let

Each command says more with --help.`;

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

await run(process.argv);

async function run(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help that was asked for ends well; help for want of a command does not.
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
    } else if (error instanceof CommandFailure) {
      console.error(`belay: ${error.message}`);
      process.exitCode = error.exitCode;
    } else {
      fail(error);
    }
  }
}

function program(): Command {
  const belay = new Command("belay")
    .description("The stop button for running work: cancels it, and proves that it stopped.")
    .version(version(), "--version", "show the version")
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText("after", EXAMPLES)
    // What stands after the name of a command is its own, also where its parent has an option of that name: `audit verify --address`.
    .enablePositionalOptions()
    .exitOverride()
    .hook("preAction", (_, command) => {
      // `run` leaves its outputs to its command: even to look at them would change the mode of the files that they share.
      if (command.name() === "run") return;
      endWithReader();
      process.stderr.on("error", goOnUnheard);
    })
    .configureOutput({ outputError: (message, write) => write(inOneLine(message)) });
  const commands = [
    serveCommand(),
    runCommand(),
    cancelCommand(),
    getCommand(),
    listCommand(),
    watchCommand(),
    resolveCommand(),
    keysCommand(),
    auditCommand(),
    backupCommand(),
    migrateCommand(),
    doctorCommand(),
  ];
  for (const command of commands) {
    belay.addCommand(command);
    inheritSettings(command, belay);
  }
  return belay;
}

function inheritSettings(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheritSettings(child, command);
}

/** Ends quietly when whoever reads the output has seen enough of it, as `head` does. */
function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") fail(error);
    process.exit();
  });
}

/** Nobody reads the error output any more, or it is full: there is nowhere left to say so, and what the command does matters more. */
function goOnUnheard(): void {}

/**
 * "error: unknown option '--prot'\n(Did you mean --port?)" as the one line in which all commands complain. Without the value of an unknown
 * option: it may be a secret, as in `--apikey=…`.
 */
function inOneLine(message: string): string {
  return `${message
    .trim()
    .replace(/^error: /, "belay: ")
    .replace(/^(belay: unknown option '[^'=]+)=.*'(?=\n|$)/s, "$1'")
    .replaceAll("\n", " ")}\n`;
}

/** A fault of Belay itself: whatever it was doing can't be trusted any more. */
function fail(error: unknown): never {
  console.error("belay: unexpected error, please report it:", error);
  process.exit(EXIT.fault);
}
