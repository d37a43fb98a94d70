/** The header styles in which the products' clients show their keys. An empty header counts as absent. */

/** `Authorization: Bearer KEY` */
export function bearerOf(headers: Headers): string[] {
  return present(/^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1]);
}

/** `Authorization: Basic …`: the password is the key, whatever the user's name. */
export function basicOf(headers: Headers): string[] {
  const encoded = /^Basic +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (encoded === undefined) return [];
  const pair = Buffer.from(encoded, "base64").toString();
  return present(pair.includes(":") ? pair.slice(pair.indexOf(":") + 1) : undefined);
}

/** A header that holds nothing but the key. */
export function keyHeaderOf(headers: Headers, name: string): string[] {
  return present(headers.get(name));
}

/** Both keys of Datadog's clients; none if one is missing. */
export function datadogKeysOf(headers: Headers): string[] {
  const keys = [...keyHeaderOf(headers, "dd-api-key"), ...keyHeaderOf(headers, "dd-application-key")];
  return keys.length === 2 ? keys : [];
}

/** The first of all styles that is there. Every secret in it must be known. */
export function secretsOf(headers: Headers): string[] {
  const styles = [
    bearerOf(headers),
    basicOf(headers),
    keyHeaderOf(headers, "api-key"),
    keyHeaderOf(headers, "apikey"),
    datadogKeysOf(headers),
  ];
  return styles.find((secrets) => secrets.length > 0) ?? [];
}

function present(key: string | null | undefined): string[] {
  return key === null || key === undefined || key === "" ? [] : [key];
}
