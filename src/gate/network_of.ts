/** The network that an address is counted with: one client can call from each address that its provider gives it. */
import { isIPv6 } from "node:net";

/** The first four of its eight groups: what providers give to one household or machine. */
const PREFIX_GROUPS = 4;

const GROUPS = 8;

/** "192.0.2.7" for itself and for "::ffff:192.0.2.7"; "2001:db8:0:1" for every address of 2001:db8:0:1::/64. */
export function networkOf(address: string): string {
  const [unscoped = ""] = address.split("%", 1);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(unscoped)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(unscoped)) return address;
  const [head = "", tail] = unscoped.split("::", 2);
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - before.length - after.length);
  return [...before, ...Array<string>(zeros).fill("0"), ...after].slice(0, PREFIX_GROUPS).join(":");
}

/** Without leading zeros and in lower case: one network has one name. The last group may be an IPv4 address, which stands for two. */
function groupsOf(text: string): string[] {
  if (text === "") return [];
  return text
    .split(":")
    .flatMap((group) => (group.includes(".") ? ["0", "0"] : [Number.parseInt(group, 16).toString(16)]));
}
