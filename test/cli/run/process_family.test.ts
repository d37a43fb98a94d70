import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { processFamily } from "../../../src/cli/run/process_family.ts";
import type { ProcessEntry, ProcessTable } from "../../../src/cli/run/process_table.ts";
import { systemProcessTable } from "../../../src/cli/run/system_process_table.ts";

const table = systemProcessTable();
const never = new AbortController().signal;
const marker = "mark-of-the-process-family-test";

afterEach(() => {
  for (const { pid } of table.read().filter((entry) => table.environmentOf(entry.pid).includes(marker))) {
    process.kill(pid, "SIGKILL");
  }
});

/** Starts a shell script in a group of its own, and reads the pids that it prints, one a line. */
async function start(script: string, { pids }: { pids: number }, environment = { MARK: marker }) {
  const child = spawn("sh", ["-c", script], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, "exit");
  const leader = entryOf(child.pid!)!;
  const printed: number[] = [];
  const lines = createInterface({ input: child.stdout! });
  if (pids > 0) {
    await new Promise<void>((resolve) => {
      lines.on("line", (line) => {
        printed.push(Number(line));
        if (printed.length === pids) resolve();
      });
    });
  }
  return { leader, pids: printed, exited };
}

function entryOf(pid: number): ProcessEntry | undefined {
  return table.read().find((entry) => entry.pid === pid);
}

test("a command that obeys SIGTERM is gone after it", async () => {
  const { leader } = await start("sleep 60 & echo $!; wait", { pids: 1 });
  const family = processFamily({ leader, marker }, table);

  expect(family.signal("SIGTERM")).toEqual([]);

  expect(await family.gone(never, () => {})).toBe(true);
  expect(family.members()).toEqual([]);
});

test("a command and a child that both ignore SIGTERM stay, and are gone after SIGKILL", async () => {
  const { leader, pids } = await start(
    "trap '' TERM; (trap '' TERM; echo ready; sleep 60; sleep 60) & echo $!; wait; sleep 60",
    {
      pids: 2,
    },
  );
  const family = processFamily({ leader, marker }, table);

  family.signal("SIGTERM");
  const survivors = family.members().map(({ pid }) => pid);
  family.signal("SIGKILL");

  expect(survivors).toEqual(expect.arrayContaining([leader.pid, pids.find((pid) => pid > 0)]));
  expect(await family.gone(never, () => family.signal("SIGKILL"))).toBe(true);
});

test("the leader's exit does not prove that its group is gone", async () => {
  const { leader, pids, exited } = await start("sleep 60 & echo $!", { pids: 1 });
  const family = processFamily({ leader, marker }, table);

  await exited;

  expect(family.members().map(({ pid }) => pid)).toEqual(pids);
});

test("a zombie is no member", async () => {
  // The child ends at once, and its parent, having become sleep, never collects it.
  const { leader, pids } = await start("true & echo $!; exec sleep 60", { pids: 1 });
  const family = processFamily({ leader, marker }, table);
  const [child] = pids;

  await expect.poll(() => entryOf(child!)?.isZombie).toBe(true);

  expect(family.members().map(({ pid }) => pid)).toEqual([leader.pid]);
});

test.runIf(process.platform === "linux")("a child in a process group of its own is found by its session", async () => {
  const { leader, pids, exited } = await start("exec bash -c 'set -m; env -u MARK sleep 60 & echo $!'", { pids: 1 });
  const family = processFamily({ leader, marker }, table);
  await exited;
  expect(entryOf(pids[0]!)?.group).toBe(pids[0]);

  expect(family.members().map(({ pid }) => pid)).toEqual(pids);

  family.signal("SIGTERM");
  expect(await family.gone(never, () => {})).toBe(true);
});

test.runIf(process.platform === "linux")(
  "a daemon that left session and parent is found by its environment",
  async () => {
    const { leader, pids, exited } = await start("setsid sh -c 'echo $$; exec sleep 60' &", { pids: 1 });
    const family = processFamily({ leader, marker }, table);
    await exited;
    expect(entryOf(pids[0]!)?.session).toBe(pids[0]);

    expect(family.members().map(({ pid }) => pid)).toEqual(pids);

    family.signal("SIGTERM");
    expect(await family.gone(never, () => {})).toBe(true);
  },
);

test("a child that left group and session is found through its parent, without help from the environment", async () => {
  const { leader, pids } = await start("setsid sh -c 'echo $$; sleep 60; true'; true", { pids: 1 });
  const family = processFamily({ leader, marker }, { ...table, environmentOf: () => "" });

  const members = family.members();

  expect(members.map(({ pid }) => pid)).toEqual(expect.arrayContaining([leader.pid, pids[0]]));
  family.signal("SIGTERM");
  expect(await family.gone(never, () => family.signal("SIGKILL"))).toBe(true);
});

test("a suspended process is told to go on", async () => {
  const { leader } = await start("sleep 60; true", { pids: 0 });
  const family = processFamily({ leader, marker }, table);
  family.signal("SIGSTOP");

  family.signal("SIGTERM");
  family.signal("SIGCONT");

  expect(await family.gone(never, () => {})).toBe(true);
});

test("waiting ends when it is given up", async () => {
  const { leader } = await start("sleep 60; true", { pids: 0 });
  const family = processFamily({ leader, marker }, table);
  const givenUp = new AbortController();

  const gone = family.gone(givenUp.signal, () => givenUp.abort());

  expect(await gone).toBe(false);
});

function fakeTable(...entries: (Partial<ProcessEntry> & { pid: number })[]): ProcessTable {
  const read = () =>
    entries.map((entry) => ({
      parent: 1,
      group: entry.pid,
      session: entry.pid,
      foregroundGroup: -1,
      isZombie: false,
      startTime: "1",
      ...entry,
    }));
  return { read, environmentOf: () => "" };
}

test("a stranger that was given the leader's pid is no member, nor is its group", () => {
  const ours = fakeTable({ pid: 500_001 });
  const later = fakeTable({ pid: 500_001, startTime: "2" }, { pid: 500_002, group: 500_001, session: 500_001 });

  const family = processFamily({ leader: ours.read()[0]!, marker }, later);

  expect(family.members()).toEqual([]);
});

test("descendants of descendants are members, in whatever order the table lists them", () => {
  const processes = fakeTable({ pid: 500_005, parent: 500_004 }, { pid: 500_004, parent: 500_003 }, { pid: 500_003 });

  const family = processFamily({ leader: processes.read()[2]!, marker }, processes);

  expect(family.members()).toHaveLength(3);
});
