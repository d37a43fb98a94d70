/** The contract's enums in words, both ways: `StopProof.CONFIRMED` is "confirmed". */

type EnumValues = Readonly<Record<string, number>>;

/** The value in words; "unknown" for one that this version of the CLI does not know. */
export function wordOf(values: EnumValues, value: number): string {
  const name = Object.keys(values).find((key) => values[key] === value);
  return name?.toLowerCase() ?? "unknown";
}

/** All values in words, without the unspecified one. */
export function wordsOf(values: EnumValues): string[] {
  return Object.keys(values)
    .filter((name) => values[name] !== 0)
    .map((name) => name.toLowerCase());
}

/** The value that `word` names, with "-" or "_" between its parts; null if there is none. */
export function valueNamed<V extends number>(values: Readonly<Record<string, V>>, word: string): V | null {
  const wanted = word.toUpperCase().replaceAll("-", "_");
  return Object.entries(values).find(([name, value]) => name === wanted && value !== 0)?.[1] ?? null;
}
