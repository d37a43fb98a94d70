import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // A process a test file: tests load native modules, open ports and kill processes.
    pool: "forks",
    maxWorkers: 2,
    // Far above what a test needs, so that only a hang reaches it, even on a busy machine.
    testTimeout: 20_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
    // A test that passes at the second try hides a race.
    retry: 0,
  },
});
