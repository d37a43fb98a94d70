/** How `belay serve` speaks TLS, and which client certificates it takes. */
import { accessSync, constants, statSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { TlsFiles } from "../server/config.ts";
import { EXIT } from "./exit_code.ts";
import { CommandFailure } from "./failure.ts";
import { parseTruth } from "./truth_option.ts";

export interface TlsOptions {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly tlsClientRequired?: boolean;
  readonly tlsClientMap?: string;
}

export function addTlsOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--tls-cert <path>", "the certificate, a PEM file").env("BELAY_TLS_CERT").argParser(fileOf("PEM")),
    )
    .addOption(new Option("--tls-key <path>", "its key, a PEM file").env("BELAY_TLS_KEY").argParser(fileOf("PEM")))
    .addOption(
      new Option("--tls-client-ca <path>", "the authorities that sign client certificates, a PEM file")
        .env("BELAY_TLS_CLIENT_CA")
        .argParser(fileOf("PEM")),
    )
    .addOption(
      new Option("--tls-client-required [true|false]", "turn away clients without a certificate")
        .env("BELAY_TLS_CLIENT_REQUIRED")
        .preset("true")
        .argParser(parseTruth),
    )
    .addOption(
      new Option("--tls-client-map <path>", "whom client certificates stand for, a JSON file")
        .env("BELAY_TLS_CLIENT_MAP")
        .argParser(fileOf("JSON")),
    );
}

/** Null: no TLS. Throws if one setting needs another beside it. */
export function tlsOf(options: TlsOptions): TlsFiles | null {
  const { tlsCert, tlsKey, tlsClientCa, tlsClientRequired = false, tlsClientMap } = options;
  if (tlsClientCa === undefined && tlsClientRequired) throw lonely("--tls-client-required", "--tls-client-ca");
  if (tlsClientCa === undefined && tlsClientMap !== undefined) throw lonely("--tls-client-map", "--tls-client-ca");
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsClientCa !== undefined) throw lonely("--tls-client-ca", "--tls-cert and --tls-key");
    return null;
  }
  const together = "a certificate and its key go together";
  if (tlsKey === undefined) throw lonely("--tls-cert", "--tls-key", together);
  if (tlsCert === undefined) throw lonely("--tls-key", "--tls-cert", together);
  const clients =
    tlsClientCa === undefined
      ? null
      : { caPath: tlsClientCa, required: tlsClientRequired, mapPath: tlsClientMap ?? null };
  return { certPath: tlsCert, keyPath: tlsKey, clients };
}

function lonely(given: string, missing: string, why?: string): CommandFailure {
  const reason = why === undefined ? "" : `: ${why}`;
  return new CommandFailure(`${given} needs ${missing} beside it${reason}`, EXIT.usage);
}

function fileOf(format: "PEM" | "JSON"): (text: string) => string {
  return (text) => {
    if (isReadableFile(text)) return text;
    throw new InvalidArgumentError(`It must be the path of a ${format} file that this user may read.`);
  };
}

function isReadableFile(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
