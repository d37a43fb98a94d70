import { describe, expect, it } from "vitest";
import { encodeGrpcMessage } from "../../src/server/grpc_message.ts";

describe("the message of an error over gRPC", () => {
  it("is readable as it is, but for what gRPC encodes", () => {
    const connects = encodeURIComponent('not "soft"; ask again: 100 % of ünïcode\n🙂');

    expect(encodeGrpcMessage({ "grpc-status": "3", "grpc-message": connects })).toEqual({
      "grpc-status": "3",
      "grpc-message": 'not "soft"; ask again: 100 %25 of %C3%BCn%C3%AFcode%0A%F0%9F%99%82',
    });
  });

  it("is not made up where there is none", () => {
    expect(encodeGrpcMessage({ "grpc-status": "0" })).toEqual({ "grpc-status": "0" });
  });
});
