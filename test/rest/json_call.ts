/** Calls of a dialect, as its callers make them. */

// biome-ignore lint/suspicious/noExplicitAny: tests look at single members of whatever came, and a wrong guess fails the test
export type AnyJson = any;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Null without a body. */
  readonly body: AnyJson;
}

export async function callJson(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
}

/** @param body sent as it is if it is a string, as JSON otherwise */
export function postJson(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return callJson(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}
