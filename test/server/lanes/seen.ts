/** What a client sees of an answer, and what of it must differ between two servers. */

/** A head or a trailer: "name: value" in the order of the names; of one name, in the order in which they came. */
export type Block = readonly string[];

/** An answer as its client sees it. */
export interface Answer {
  /** In a few words: "200", "404 not_found", "200 grpc 5", "reset 8", "closed"; of several answers all of them. */
  readonly summary: string;
  /** Everything, for a comparison. */
  readonly all: unknown;
  /** Whether the connection takes another request. */
  readonly isOpen: boolean;
}

/** @param raw names and values in turn, as Node gives them */
export function blockOf(raw: readonly string[]): Block {
  return inOrder(Array.from({ length: raw.length / 2 }, (_, index) => `${raw[2 * index]}: ${raw[2 * index + 1]}`));
}

/** @param lines "name: value" each */
export function inOrder(lines: readonly string[]): Block {
  const nameOf = (line: string): string => line.slice(0, line.indexOf(": "));
  return lines.map(likened).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : Number(nameOf(a) > nameOf(b))));
}

const DATE = /^(date): [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/i;
const UUID = /[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/g;
const LIKENED_UUID = "00000000-0000-7000-8000-000000000000";
// Long enough for a UUID to stand in it.
const BASE64 = /[A-Za-z\d+/_-]{48,}={0,2}/g;

/** The text with every id that a server mints, and every date, made alike. Ids keep their length. */
export function likened(text: string): string {
  return text
    .replace(DATE, "$1: (now)")
    .replaceAll(UUID, LIKENED_UUID)
    .replaceAll(BASE64, (encoded) => {
      const decoded = Buffer.from(encoded, "base64").toString("latin1");
      const alike = decoded.replaceAll(UUID, LIKENED_UUID);
      return alike === decoded ? encoded : Buffer.from(alike, "latin1").toString("base64");
    });
}

/** The status of an answer with the code of its error, if it is Connect's. */
export function statusOf(status: number, body: Buffer): string {
  if (status < 400) return String(status);
  const code = /^\{"code":"(\w+)"/.exec(body.toString("latin1"))?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}
