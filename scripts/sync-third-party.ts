// Collects the .proto files that ours import, or that the service also serves, into third_party/proto.
//
// They come out of the npm packages that package-lock.json pins, so that `buf` needs no registry of its own and no copy
// of somebody else's file is committed.
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { DescFile } from "@bufbuild/protobuf";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { printProto } from "./print-proto.ts";

const root = resolve(import.meta.dirname, "..");
const target = join(root, "third_party/proto");

/** Where each file is found under node_modules. The health check's path lacks its package's first part. */
const copied = {
  "google/rpc/code.proto": "google-gax/build/protos/google/rpc/code.proto",
  "google/rpc/error_details.proto": "google-gax/build/protos/google/rpc/error_details.proto",
  "google/rpc/status.proto": "google-gax/build/protos/google/rpc/status.proto",
  "grpc/health/v1/health.proto": "grpc-health-check/proto/health/v1/health.proto",
  "grpc/reflection/v1/reflection.proto": "@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto",
  "grpc/reflection/v1alpha/reflection.proto": "@grpc/reflection/build/proto/grpc/reflection/v1alpha/reflection.proto",
};

/** No npm package ships these as source: they are printed from their descriptors. */
const printed: DescFile[] = [file_buf_validate_validate];

// A file dropped from the lists above must not linger.
rmSync(target, { recursive: true, force: true });
for (const [path, source] of Object.entries(copied)) {
  cpSync(join(root, "node_modules", source), join(target, path));
}
for (const file of printed) {
  const path = join(target, file.proto.name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, printProto(file));
}
