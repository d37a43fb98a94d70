/** A client that means harm, on a connection of its own, and one that must not notice. */
import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, onTestFinished } from "vitest";
import { CancellationService, CancelProcessStatus } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { type Frame, readFrames } from "./h2_frames.ts";
import { cancelProcess, type PortUnderTest } from "./port_under_test.ts";

export interface Attack {
  readonly socket: Duplex;
  /** Resolves when the connection has ended, with all that came. */
  readonly cutOff: Promise<Buffer>;
  /** Resolves with the frames of HTTP/2 that came, up to the first that fits. Rejects if the connection ends before. */
  until(fits: (frame: Frame) => boolean): Promise<readonly Frame[]>;
}

/** Sends `first`, and then each of `flood`, as fast as the server takes them, until the connection ends. */
export function attack(port: PortUnderTest, first: Buffer, flood: Iterable<Buffer> = []): Attack {
  return attackOn(connect(port.address.port, "127.0.0.1"), first, flood);
}

export function attackOn(socket: Duplex, first: Buffer, flood: Iterable<Buffer> = []): Attack {
  onTestFinished(() => {
    socket.destroy();
  });
  const received: Buffer[] = [];
  // A reset is a way to be cut off.
  socket.on("error", () => {}).on("data", (chunk: Buffer) => received.push(chunk));
  const cutOff = new Promise<Buffer>((resolve) => {
    socket.once("close", () => resolve(Buffer.concat(received)));
  });
  socket.write(first);
  void send(socket, flood);
  const until = (fits: (frame: Frame) => boolean): Promise<readonly Frame[]> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const { frames } = readFrames(Buffer.concat(received));
        const found = frames.findIndex(fits);
        if (found >= 0) resolve(frames.slice(0, found + 1));
      };
      socket.on("data", look).once("close", () => reject(new Error("the connection ended before")));
      look();
    });
  return { socket, cutOff, until };
}

async function send(socket: Duplex, flood: Iterable<Buffer>): Promise<void> {
  for (const chunk of flood) {
    if (!socket.writable) return;
    // One write a turn: what comes in one piece can be too much for Node itself, and this is not about Node.
    if (!socket.write(chunk)) await drained(socket);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      socket.off("drain", wake).off("close", wake);
      resolve();
    };
    socket.on("drain", wake).on("close", wake);
  });
}

/** The same chunk, up to `count` times. */
export function* repeat(chunk: Buffer, count: number): Iterable<Buffer> {
  for (let sent = 0; sent < count; sent += 1) yield chunk;
}

export interface Bystander {
  /** One more call is answered; and so is the one that was under way all the time. */
  isServed(): Promise<void>;
}

/** A client of another connection, with a call under way since before the attack. */
export async function bystander(port: PortUnderTest, ca?: string): Promise<Bystander> {
  const nodeOptions = ca === undefined ? {} : { ca };
  const client = createClient(CancellationService, createGrpcTransport({ baseUrl: port.url, nodeOptions }));
  const reached = once(port.handlers, "reached");
  const waiting = client.cancelProcess(cancelProcess("waits"));
  await reached;
  return {
    async isServed() {
      expect((await client.cancelProcess(cancelProcess("p-1"))).status).toBe(CancelProcessStatus.CANCEL_REQUESTED);
      port.release();
      expect((await waiting).status).toBe(CancelProcessStatus.CANCEL_REQUESTED);
    },
  };
}
