/** The subject alternative names of a certificate, one by one. */

// Each is "DNS:a.example" or, where a comma or the like could deceive, "DNS:" and a JSON text. https://nodejs.org/api/tls.html#certificate-object
const NAME = /([^:",]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/** Takes them as Node writes them: "DNS:a.example, URI:spiffe://prod/billing". What can't be read is no name, nor is what comes after. */
export function namesOf(listed: string): readonly string[] {
  const names: string[] = [];
  const name = new RegExp(NAME);
  for (let found = name.exec(listed); found !== null; found = name.exec(listed)) {
    const [, kind = "", value = ""] = found;
    names.push(`${kind}:${value.startsWith('"') ? String(JSON.parse(value)) : value}`);
  }
  return names;
}
