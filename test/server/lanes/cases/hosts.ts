/** Names by which a server that needs no credentials is called: only this machine's are taken. */
import type { Case } from "../case.ts";
import { cancel, HTTP1_WIRES, NOT_FOUND, overEach } from "./cancel.ts";

const OTHERS = ["belay.example", "localhost.belay.example", "192.0.2.1"];
const OWN = ["localhost", "127.0.0.1:8080", "[::1]", "LOCALHOST:1"];

export const OTHER_HOSTS: readonly Case[] = [
  ...OTHERS.flatMap((host) =>
    overEach(
      HTTP1_WIRES,
      `is called ${host}`,
      cancel("none"),
      { headers: [["Host", host]] },
      { grpc: 7, http: "403 permission_denied" },
    ),
  ),
  ...OWN.flatMap((host) =>
    overEach(HTTP1_WIRES, `is called ${host}`, cancel("none"), { headers: [["Host", host]] }, NOT_FOUND),
  ),
];
