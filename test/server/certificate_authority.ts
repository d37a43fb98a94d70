/** Certificates made on the spot. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY = 24 * 60 * 60 * 1000;

x509.cryptoProvider.set(webcrypto);

/** Both as PEM. */
export interface MadeCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateWish {
  readonly commonName: string;
  /** For example { type: "url", value: "spiffe://prod/billing" }. */
  readonly names?: x509.JsonGeneralNames;
  /** From now; negative: it has expired. Default 1,000. */
  readonly days?: number;
}

export interface TestAuthority {
  /** Its own certificate, as PEM. */
  readonly cert: string;
  issue(wish: CertificateWish): Promise<MadeCertificate>;
}

export async function createAuthority(commonName = "Test CA"): Promise<TestAuthority> {
  const keys = await generateKeys();
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: `CN=${commonName}`,
    notBefore: new Date(Date.now() - 1_000 * DAY),
    notAfter: new Date(Date.now() + 1_000 * DAY),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  let serial = 1;
  return {
    cert: own.toString("pem"),
    async issue({
      commonName: subject,
      names = [
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
      ],
      days = 1_000,
    }) {
      const leafKeys = await generateKeys();
      serial += 1;
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial.toString(16).padStart(4, "0"),
        subject: subject === "" ? "" : `CN=${subject}`,
        issuer: own.subject,
        notBefore: new Date(Date.now() - 500 * DAY),
        notAfter: new Date(Date.now() + days * DAY),
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
      });
      return { cert: certificate.toString("pem"), key: await pemOf(leafKeys.privateKey) };
    },
  };
}

async function generateKeys() {
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}
