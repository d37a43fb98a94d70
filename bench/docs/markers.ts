/** Parts of a Markdown page that are written by a program: what stands between two comments that name them. */

/**
 * Replaces what stands between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` by the text of that name. Parts without a new text stay.
 * Throws if a text has no place, or if a part does not end.
 */
export function fillMarkers(page: string, texts: ReadonlyMap<string, string>): string {
  let filled = page;
  for (const [name, text] of texts) {
    const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
    const beginAt = filled.indexOf(begin);
    const endAt = filled.indexOf(end, beginAt);
    if (beginAt < 0 || endAt < 0) throw new Error(`the page has no place for "${name}": ${begin} … ${end}`);
    filled = `${filled.slice(0, beginAt)}${begin}\n${text}\n${filled.slice(endAt)}`;
  }
  return filled;
}
