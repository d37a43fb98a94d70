/** Calls of a dialect, as its callers make them. */

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers; null without a body
  readonly body: any;
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
