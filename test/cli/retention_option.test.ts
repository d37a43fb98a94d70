import { expect, it } from "vitest";
import { belay } from "./belay_command.ts";

const printConfig = (...args: string[]) => belay(["serve", "--print-config", "--json", ...args]);

async function settingOf(wanted: string, ...args: string[]): Promise<unknown> {
  const { stdout } = await printConfig(...args);
  return JSON.parse(stdout).find(({ name }: { name: string }) => name === wanted);
}

const retentionOf = (...args: string[]) => settingOf("--command-retention", ...args);

it("command ids are kept over a weekend, or for as long as is said", async () => {
  expect(await retentionOf()).toMatchObject({ value: "72 h", from: "default" });
  expect(await retentionOf("--command-retention", "24")).toMatchObject({ value: "24 h", from: "--command-retention" });
});

it.each(["23", "8761", "a day"])("command ids can't be kept for %s hours", async (hours) => {
  const { exitCode, stderr } = await printConfig("--command-retention", hours);

  expect(exitCode).toBe(2);
  expect(stderr).toContain("It must be a whole number from 24 to 8760.");
});

it.each(["--execution-retention", "--audit-retention"])(
  "%s is for ever, or for as many days as is said",
  async (name) => {
    expect(await settingOf(name)).toMatchObject({ value: null, from: "default" });
    expect(await settingOf(name, name, "90")).toMatchObject({ value: "90 days", from: name });

    const { exitCode, stderr } = await printConfig(name, "0");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("It must be a whole number from 1 to 36525.");
  },
);
