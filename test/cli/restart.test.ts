import { expect, it, onTestFinished } from "vitest";
import { startBelay, startServer, temporaryFolder } from "./belay_command.ts";
import { api, heldProcess, reportStopped } from "./fixtures.ts";

it("keeps waiting for a cancellation over a crash and restart of the server", async () => {
  const folder = temporaryFolder();
  const first = await startServer(folder);
  onTestFinished(first.stop);
  const client = api(first.address);
  onTestFinished(client.close);
  const held = await heldProcess(client);
  const cancel = startBelay(["cancel", "process", held.id, "--strategy", "soft", "--wait", "--address", first.address]);
  await cancel.prints(/asking worker/);

  first.process.kill("SIGKILL");
  await first.ended;
  await cancel.prints(/belay: lost the server; the cancellation is durable/);
  const second = await startServer(folder, "--port", new URL(first.address).port);
  onTestFinished(second.stop);
  await reportStopped(client, held);

  expect(await cancel.ended).toBe(0);
  expect(cancel.output()).toMatch(/cancellation ended: cancelled \(stop proof: confirmed\)/);
  expect(cancel.output().match(/cancellation requested/g)).toHaveLength(1);
});
