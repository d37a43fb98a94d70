/** Which proxies `belay serve` believes. */
import { BlockList } from "node:net";
import { InvalidArgumentError, Option } from "commander";
import { addBlock } from "../gate/ip_address.ts";

export function trustedProxyOption(): Option {
  return new Option("--trusted-proxy <address,…>", "whose X-Forwarded-For is believed; may be given again")
    .env("BELAY_TRUSTED_PROXY")
    .argParser(parseProxies);
}

/** "10.0.0.0/8,2001:db8::7" */
function parseProxies(text: string, before: readonly string[] = []): string[] {
  const proxies = text.split(",").map((proxy) => proxy.trim());
  const wrong = proxies.find((proxy) => !addBlock(new BlockList(), proxy));
  if (wrong !== undefined) {
    throw new InvalidArgumentError(`"${wrong}" is neither an address such as 10.0.0.7 nor a block such as 10.0.0.0/8.`);
  }
  return [...before, ...proxies];
}
