/** The files that TLS is set up with: a certificate, its key, and what client certificates are judged by. */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import type { Millis } from "../domain/time.ts";
import { type CertificateRule, parseCertificateRules } from "../gate/client_certificate_rules.ts";
import type { TlsFiles } from "./config.ts";

/** The files as they were read at one moment. */
export interface TlsContents {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** The authorities that sign client certificates; null: no client certificate is asked for. */
  readonly clientCa: Buffer | null;
  /** Null: there is no such file. */
  readonly clientMap: Buffer | null;
}

/** Contents that fit together, so that they can be served. */
export interface TlsMaterial {
  readonly context: SecureContextOptions;
  /** The server's own certificate. */
  readonly certificate: X509Certificate;
  /** When it ends. */
  readonly notAfter: Millis;
  /** Whom client certificates stand for; null: for nobody, there is no client map. */
  readonly clientRules: readonly CertificateRule[] | null;
}

/** The files can't be served: what is wrong with which one. */
export class TlsFilesError extends Error {
  override readonly name = "TlsFilesError";
}

/** Throws a TlsFilesError that names the file that can't be read. */
export async function readTlsFiles({ certPath, keyPath, clients }: TlsFiles): Promise<TlsContents> {
  const [cert, key, clientCa, clientMap] = await Promise.all([
    read("certificate", certPath),
    read("key", keyPath),
    clients === null ? null : read("client CA", clients.caPath),
    clients === null || clients.mapPath === null ? null : read("client map", clients.mapPath),
  ]);
  return { cert, key, clientCa, clientMap };
}

async function read(what: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw failure(`the TLS ${what} ${path} can't be read`, error);
  }
}

/** Tells contents apart without keeping them. */
export function digestOf({ cert, key, clientCa, clientMap }: TlsContents): string {
  const hash = createHash("sha256");
  for (const part of [cert, key, clientCa, clientMap]) {
    hash.update(`${part?.length ?? "none"}:`).update(part ?? "");
  }
  return hash.digest("hex");
}

/** Throws a TlsFilesError that says which file is wrong, and what would be right. */
export function checkTlsFiles(contents: TlsContents, { certPath, keyPath, clients }: TlsFiles): TlsMaterial {
  const [certificate, ...chain] = certificatesIn(contents.cert, `certificate ${certPath}`);
  if (certificate === undefined) {
    const right = 'it must be a PEM file with "BEGIN CERTIFICATE" in it';
    throw new TlsFilesError(`the TLS certificate ${certPath} has none: ${right}`);
  }
  if (!certificate.checkPrivateKey(keyIn(contents.key, keyPath))) {
    throw new TlsFilesError(
      `the TLS key ${keyPath} does not belong to the certificate ${certPath}: give the two that were made together`,
    );
  }
  const context: SecureContextOptions = {
    // Written anew: OpenSSL does not take two that are joined without a line break.
    cert: [certificate, ...chain].map((each) => each.toString()).join(""),
    key: contents.key,
    minVersion: "TLSv1.2",
    ...(contents.clientCa !== null && { ca: authoritiesIn(contents.clientCa, clients?.caPath ?? "") }),
  };
  try {
    createSecureContext(context);
  } catch (error) {
    throw failure(`the TLS certificate ${certPath} and the key ${keyPath} can't be used`, error);
  }
  return {
    context,
    certificate,
    notAfter: certificate.validToDate.getTime(),
    clientRules: contents.clientMap === null ? null : rulesIn(contents.clientMap, clients?.mapPath ?? ""),
  };
}

function keyIn(pem: Buffer, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw failure(`the TLS key ${path} is no private key in PEM without a passphrase`, error);
  }
}

/** Never empty: without an authority of ours, Node would trust all those that browsers trust. */
function authoritiesIn(pem: Buffer, path: string): string[] {
  const authorities = certificatesIn(pem, `client CA ${path}`);
  if (authorities.length > 0) return authorities.map((authority) => authority.toString());
  throw new TlsFilesError(`the TLS client CA ${path} has no certificate: it must be a PEM file of authorities`);
}

function certificatesIn(pem: Buffer, what: string): X509Certificate[] {
  const blocks = pem.toString("latin1").match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw failure(`certificate ${index + 1} of the TLS ${what} can't be read`, error);
    }
  });
}

function rulesIn(json: Buffer, path: string): readonly CertificateRule[] {
  try {
    return parseCertificateRules(json.toString("utf8"));
  } catch (error) {
    throw failure(`the TLS client map ${path} is wrong`, error);
  }
}

function failure(what: string, cause: unknown): TlsFilesError {
  return new TlsFilesError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
