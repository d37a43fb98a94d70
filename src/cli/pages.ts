/** Reads a list page by page, up to a limit. */

interface Page<T> {
  readonly items: readonly T[];
  /** Empty: this is the last page. */
  readonly nextPageToken: string;
}

/** The most that the server sends at once. */
const LARGEST_PAGE = 1000;

/** Up to `limit` items, and whether there are more. */
export async function readPages<T>(
  limit: number,
  read: (pageSize: number, pageToken: string) => Promise<Page<T>>,
): Promise<{ readonly items: readonly T[]; readonly hasMore: boolean }> {
  const items: T[] = [];
  let pageToken = "";
  do {
    const page = await read(Math.min(limit - items.length, LARGEST_PAGE), pageToken);
    items.push(...page.items);
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && items.length < limit);
  return { items, hasMore: pageToken !== "" };
}

/** Says on standard error that the list was cut, so that nobody takes it for the whole. */
export function noteMore(limit: number): void {
  console.error(`belay: there are more than these ${limit}; raise --limit or narrow the filters`);
}
