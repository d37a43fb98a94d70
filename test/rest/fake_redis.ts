/** Just enough of a Redis to take cancellation flags, and to tell what it was told. */
import { createServer, type Socket } from "node:net";

export interface FakeRedis {
  readonly port: number;
  /** Every command but those with which a client introduces itself. */
  readonly commands: readonly (readonly string[])[];
  /** Takes commands and answers none. */
  fallSilent(): void;
  /** Refuses to write, as a replica does. */
  refuseWrites(): void;
  stop(): Promise<void>;
}

const GREETINGS = new Set(["HELLO", "CLIENT", "PING"]);

/** @param port 0: one that is free */
export async function startFakeRedis(port = 0): Promise<FakeRedis> {
  const commands: (readonly string[])[] = [];
  const sockets = new Set<Socket>();
  let isSilent = false;
  let isReadOnly = false;

  const replyTo = ([name = "", ...args]: readonly string[]): string => {
    if (!GREETINGS.has(name.toUpperCase())) commands.push([name, ...args]);
    switch (name.toUpperCase()) {
      case "HELLO":
        return "%1\r\n+server\r\n+redis\r\n";
      case "PING":
        return "+PONG\r\n";
      case "SET":
        return isReadOnly ? "-READONLY You can't write against a read only replica.\r\n" : "+QUEUED\r\n";
      case "PUBLISH":
        return "+QUEUED\r\n";
      case "EXEC":
        return isReadOnly ? "-EXECABORT Transaction discarded because of previous errors.\r\n" : "*2\r\n+OK\r\n:0\r\n";
      default:
        return "+OK\r\n";
    }
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    let received = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      received += text;
      for (let parsed = parse(received); parsed !== null; parsed = parse(received)) {
        received = parsed.rest;
        const reply = replyTo(parsed.command);
        if (!isSilent) socket.write(reply);
      }
    });
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  const address = server.address();

  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    commands,
    fallSilent: () => {
      isSilent = true;
    },
    refuseWrites: () => {
      isReadOnly = true;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** The first command of `text`, an array of bulk strings; null while it is not whole. Lengths are right for ASCII, which tests keep to. */
function parse(text: string): { command: string[]; rest: string } | null {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return null;
  let rest = text.slice(head[0].length);
  const command: string[] = [];
  for (let left = Number(head[1]); left > 0; left -= 1) {
    const bulk = /^\$(\d+)\r\n/.exec(rest);
    if (bulk === null) return null;
    const start = bulk[0].length;
    const end = start + Number(bulk[1]);
    if (rest.length < end + 2) return null;
    command.push(rest.slice(start, end));
    rest = rest.slice(end + 2);
  }
  return { command, rest };
}
