/** Who is at the other end of a request: its address, and the certificate that it showed. */
import { IncomingMessage } from "node:http";
import { BlockList, type Socket } from "node:net";
import { type DetailedPeerCertificate, TLSSocket } from "node:tls";
import { addBlock, addressOf, isIn } from "../gate/ip_address.ts";
import type { Peer } from "../gate/peer.ts";
import type { NodeRequest } from "./exchange.ts";

/** The proxies that are believed when they say for whom they ask. Null: there are none. */
export type TrustedProxies = BlockList | null;

/** `listed` are addresses and CIDR blocks. Throws an Error that names one that is neither. */
export function trustedProxies(listed: readonly string[]): TrustedProxies {
  if (listed.length === 0) return null;
  const proxies = new BlockList();
  for (const each of listed) {
    if (!addBlock(proxies, each)) throw new Error(`"${each}" is neither an address nor a CIDR block`);
  }
  return proxies;
}

/** Ask as soon as the request is there: a connection that is gone has no address any more. */
export function peerOf(request: NodeRequest, proxies: TrustedProxies): Peer {
  const peer = connectionOf(request);
  if (proxies === null || !isIn(proxies, peer.address)) return peer;
  // Asked by a proxy: the certificate is that of the proxy.
  return { ...peer, address: clientBehind(peer.address, request.headers["x-forwarded-for"], proxies) };
}

// Reading a certificate takes longer than a cancel. HTTP/2 has many requests a connection.
const known = new WeakMap<object, Peer>();

function connectionOf(request: NodeRequest): Peer {
  const connection = request instanceof IncomingMessage ? request.socket : request.stream.session;
  if (connection === undefined) return { address: UNKNOWN, certificate: null };
  const before = known.get(connection);
  if (before !== undefined) return before;
  const socket = request instanceof IncomingMessage ? request.socket : request.stream.session?.socket;
  const peer = { address: addressOf(socket?.remoteAddress ?? "") ?? UNKNOWN, certificate: certificateOf(socket) };
  known.set(connection, peer);
  return peer;
}

/** For a client that has gone. It fits no list of addresses. */
const UNKNOWN = "unknown";

/** Node's word that the client is authorized is one thing, a certificate that stands for somebody is another: both are needed. */
function certificateOf(socket: Socket | TLSSocket | undefined): DetailedPeerCertificate | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized || socket.getPeerX509Certificate() === undefined)
    return null;
  return socket.getPeerCertificate(true);
}

/**
 * Every proxy adds at the end of X-Forwarded-For whom it was asked by, and whatever stands before that may be made up: the client is the
 * last one that is no proxy of ours. `Forwarded` is not read: a proxy that writes the one header lets the other pass as it came.
 */
function clientBehind(proxy: string, forwardedFor: string | string[] | undefined, proxies: BlockList): string {
  let client = proxy;
  for (const hop of String(forwardedFor ?? "")
    .split(",")
    .toReversed()) {
    const address = addressOf(withoutPort(hop.trim()));
    // Not written by a proxy that writes addresses: nothing that stands before it can be relied on.
    if (address === null) return client;
    client = address;
    if (!isIn(proxies, address)) return client;
  }
  return client;
}

/** "192.0.2.7:50123" and "[2001:db8::1]:50123" are how some proxies write them. */
function withoutPort(hop: string): string {
  const found = /^\[(.+)\](?::\d+)?$/.exec(hop) ?? /^([\d.]+):\d+$/.exec(hop);
  return found?.[1] ?? hop;
}
