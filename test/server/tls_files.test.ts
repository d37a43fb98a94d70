import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { TlsFiles } from "../../src/server/config.ts";
import { checkTlsFiles, readTlsFiles } from "../../src/server/tls_files.ts";
import { createAuthority } from "./certificate_authority.ts";
import { put, temporaryFolder } from "./tls_under_test.ts";

const authority = await createAuthority();
const good = await authority.issue({ commonName: "server" });
const other = await authority.issue({ commonName: "other" });
const { privateKey: locked } = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" },
});
const mangled = good.cert.replace(/\n.{20}/, "\nAAAAAAAAAAAAAAAAAAAA");

interface Texts {
  readonly cert?: string;
  readonly key?: string;
  readonly clientCa?: string;
  readonly clientMap?: string;
}

async function check({ cert = good.cert, key = good.key, clientCa = authority.cert, clientMap = "[]" }: Texts) {
  const folder = temporaryFolder();
  const files: TlsFiles = {
    certPath: put(folder, "cert.pem", cert),
    keyPath: put(folder, "key.pem", key),
    clients: { caPath: put(folder, "ca.pem", clientCa), required: false, mapPath: put(folder, "map.json", clientMap) },
  };
  return checkTlsFiles(await readTlsFiles(files), files);
}

describe("the TLS files", () => {
  it("are taken with a chain and several authorities, with text around them", async () => {
    const { certificate } = await check({
      cert: good.cert + authority.cert,
      clientCa: `# ours\n${authority.cert}\n# and\n${other.cert}`,
    });

    expect(certificate.subject).toBe("CN=server");
  });

  it.each<[string, Texts, RegExp]>([
    ["no certificate", { cert: "hello" }, /^the TLS certificate \S+cert\.pem has none: it must be a PEM file/],
    ["a key in place of the certificate", { cert: good.key }, /^the TLS certificate \S+cert\.pem has none/],
    ["a broken certificate", { cert: mangled }, /^certificate 1 of the TLS certificate \S+cert\.pem can't be read: /],
    ["a key of another certificate", { key: other.key }, /key\.pem does not belong to the certificate \S+cert\.pem: /],
    ["no key", { key: good.cert }, /^the TLS key \S+key\.pem is no private key in PEM without a passphrase: /],
    [
      "a key with a passphrase",
      { key: locked },
      /^the TLS key \S+key\.pem is no private key in PEM without a passphrase/,
    ],
    ["no authority", { clientCa: "" }, /^the TLS client CA \S+ca\.pem has no certificate: /],
    [
      "a broken authority",
      { clientCa: authority.cert + mangled },
      /^certificate 2 of the TLS client CA \S+ca\.pem can't/,
    ],
    ["a client map that is no JSON", { clientMap: "{" }, /^the TLS client map \S+map\.json is wrong: /],
    [
      "a client map with an unknown scope",
      { clientMap: '[{"match":"CN:x","scopes":["all"]}]' },
      /rule 1, "scopes", has "all"/,
    ],
  ])("are refused with %s, by name", async (_name, texts, complaint) => {
    await expect(check(texts)).rejects.toThrow(complaint);
  });

  it("are refused if one is not there", async () => {
    const files = { certPath: "/nowhere/cert.pem", keyPath: "/nowhere/key.pem", clients: null };

    await expect(readTlsFiles(files)).rejects.toThrow(/^the TLS (certificate|key) \/nowhere\/.* can't be read: ENOENT/);
  });
});
