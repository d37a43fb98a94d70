/** The form of the keys that Belay makes: "belay_", 256 random bits, and a checksum by which a scanner tells one from noise. */
import { hash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/** What secret scanners look for. */
export const API_KEY_PATTERN = /^belay_[0-9A-Za-z]{49}$/;

const PREFIX = "belay_";
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** As many digits to the base of 62 as 256 bits may take, and as 32 bits may. */
const SECRET_DIGITS = 43;
const CHECKSUM_DIGITS = 6;

/** How much of a key is shown in lists: enough to recognise it by, far too little to guess it from. */
const SHOWN = 12;

export function mintApiKey(): string {
  const secret = base62(BigInt(`0x${randomBytes(32).toString("hex")}`), SECRET_DIGITS);
  return `${PREFIX}${secret}${checksumOf(secret)}`;
}

/** False for what looks like a key and was mistyped or cut off. */
export function isWellFormed(key: string): boolean {
  if (!API_KEY_PATTERN.test(key)) return false;
  const secret = key.slice(PREFIX.length, PREFIX.length + SECRET_DIGITS);
  return key.endsWith(checksumOf(secret));
}

export function shownPrefixOf(key: string): string {
  return key.slice(0, SHOWN);
}

/** SHA-256 in hex. Enough for secrets of 256 random bits, which no dictionary holds. */
export function digestOf(secret: string): string {
  return hash("sha256", secret);
}

function checksumOf(secret: string): string {
  return base62(BigInt(crc32(secret)), CHECKSUM_DIGITS);
}

function base62(value: bigint, digits: number): string {
  let rest = value;
  let text = "";
  for (let place = 0; place < digits; place += 1) {
    text = DIGITS.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}
