/** Addresses of the internet, as texts that can be compared. */
import { type BlockList, isIP, SocketAddress } from "node:net";

const IPV4_IN_IPV6 = "::ffff:";

/** One address, one text: "::ffff:192.0.2.7" is 192.0.2.7, and "2001:DB8:0::1" is 2001:db8::1. Null: `text` is no address. */
export function addressOf(text: string): string | null {
  switch (isIP(text)) {
    case 4:
      return text;
    case 6: {
      const { address } = new SocketAddress({ address: text.replace(/%.*$/, ""), family: "ipv6" });
      return address.startsWith(IPV4_IN_IPV6) && address.includes(".") ? address.slice(IPV4_IN_IPV6.length) : address;
    }
    default:
      return null;
  }
}

/** Adds an address, or a CIDR block such as "10.0.0.0/8", to `list`. False: `text` is neither. */
export function addBlock(list: BlockList, text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0 || address.includes("%")) return false;
  const bits = family === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if ((prefix !== undefined && !/^\d{1,3}$/.test(prefix)) || length > bits) return false;
  list.addSubnet(address, length, family === 4 ? "ipv4" : "ipv6");
  return true;
}

/** True if `address`, as `addressOf` writes it, is in `list`. */
export function isIn(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? "ipv4" : "ipv6");
}
