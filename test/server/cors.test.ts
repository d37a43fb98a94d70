import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { describe, expect, it } from "vitest";
import { CancellationService, CancelProcessStatus } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { CANCEL_PROCESS, cancelProcess, openPort, type PortUnderTest } from "./port_under_test.ts";

function preflight(port: PortUnderTest, origin: string) {
  return fetch(port.url + CANCEL_PROCESS, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,connect-protocol-version",
    },
  });
}

describe("the preflight of a page's call", () => {
  it.each(["http://localhost:5173", "http://127.0.0.1:3000", "https://[::1]:8443", "http://localhost"])(
    "allows pages of this machine: %s",
    async (origin) => {
      const response = await preflight(await openPort(), origin);

      expect(response.status).toBe(204);
      expect(response.headers.get("access-control-allow-origin")).toBe(origin);
      expect(response.headers.get("access-control-allow-methods")).toContain("POST");
      expect(response.headers.get("access-control-allow-headers")).toContain("Connect-Protocol-Version");
      expect(response.headers.get("access-control-allow-headers")).toContain("X-Grpc-Web");
      expect(response.headers.get("vary")).toBe("Origin");
    },
  );

  it.each(["https://evil.example", "http://localhost.evil.example", "http://localhost:1@evil.example", "null"])(
    "forbids pages of others: %s",
    async (origin) => {
      const response = await preflight(await openPort({ corsOrigins: ["https://ops.example.com"] }), origin);

      expect(response.status).toBe(403);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    },
  );

  it("allows the origins of the settings", async () => {
    const response = await preflight(
      await openPort({ corsOrigins: ["https://ops.example.com"] }),
      "https://ops.example.com",
    );

    expect(response.headers.get("access-control-allow-origin")).toBe("https://ops.example.com");
  });

  it("allows every origin if the settings say so", async () => {
    const response = await preflight(await openPort({ corsOrigins: ["*"] }), "https://any.example");

    expect(response.headers.get("access-control-allow-origin")).toBe("https://any.example");
  });

  it("does not favour pages of this machine on a port that others reach", async () => {
    const response = await preflight(await openPort({ host: "0.0.0.0" }), "http://localhost:5173");

    expect(response.status).toBe(403);
  });
});

describe("the call of a page", () => {
  const pageOf = (origin: string): typeof fetch => {
    return (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set("origin", origin);
      return fetch(input, { ...init, headers });
    };
  };

  it.each([
    ["Connect", createConnectTransport],
    ["gRPC-Web", createGrpcWebTransport],
  ])("is answered over %s", async (_name, transport) => {
    const port = await openPort();
    const client = createClient(
      CancellationService,
      transport({ baseUrl: port.url, fetch: pageOf("http://localhost:5173") }),
    );

    const answer = await client.cancelProcess(cancelProcess("p-1"), {
      onHeader(headers) {
        expect(headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
        expect(headers.get("access-control-expose-headers")).toContain("Grpc-Status");
      },
    });

    expect(answer.status).toBe(CancelProcessStatus.CANCEL_REQUESTED);
  });

  it("can read errors too", async () => {
    const port = await openPort();

    const response = await pageOf("http://localhost:5173")(`${port.url}/nowhere`);

    expect(response.status).toBe(404);
    expect(response.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
  });
});
