/** `fetch` as the page of another origin has it: what the server's CORS answers don't allow, the page can't do or see. */

// https://fetch.spec.whatwg.org/#cors-safelisted-request-header, as far as the values of RPCs go.
const SAFE_REQUEST_HEADERS = ["accept", "accept-language", "content-language", "range"];
// https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name
const SAFE_RESPONSE_HEADERS = [
  "cache-control",
  "content-language",
  "content-length",
  "content-type",
  "expires",
  "last-modified",
  "pragma",
];
const SAFE_METHODS = ["GET", "HEAD", "POST"];

/** A `fetch` for pages of `origin`. */
export function fetchOfPage(origin: string): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    await preflight(origin, request);
    request.headers.set("origin", origin);
    const response = await fetch(request);
    requireAllowed(origin, response);
    const { status, statusText, body } = response;
    return new Response(body, { status, statusText, headers: exposedHeaders(response) });
  };
}

/** Asks for leave to send the request. Every RPC needs it: none has a content type that forms have. */
async function preflight(origin: string, request: Request): Promise<void> {
  const unsafe = [...request.headers.keys()].filter((name) => !SAFE_REQUEST_HEADERS.includes(name));
  if (unsafe.length === 0 && SAFE_METHODS.includes(request.method)) return;
  const answer = await fetch(request.url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": request.method,
      "access-control-request-headers": unsafe.join(","),
    },
  });
  requireAllowed(origin, answer);
  if (!answer.ok) throw new TypeError(`the preflight was answered with ${answer.status}`);
  const methods = [...SAFE_METHODS, ...listOf(answer, "access-control-allow-methods")];
  if (!methods.includes(request.method)) throw new TypeError(`${request.method} is not allowed`);
  const headers = listOf(answer, "access-control-allow-headers").map((name) => name.toLowerCase());
  const refused = unsafe.filter((name) => !headers.includes(name));
  if (refused.length > 0) throw new TypeError(`the request headers ${refused.join(", ")} are not allowed`);
}

function requireAllowed(origin: string, response: Response): void {
  const allowed = response.headers.get("access-control-allow-origin");
  if (allowed !== origin && allowed !== "*") throw new TypeError(`the origin ${origin} is not allowed`);
}

function exposedHeaders(response: Response): [name: string, value: string][] {
  const exposed = listOf(response, "access-control-expose-headers").map((name) => name.toLowerCase());
  return [...response.headers].filter(([name]) => [...SAFE_RESPONSE_HEADERS, ...exposed].includes(name));
}

function listOf(response: Response, name: string): string[] {
  return (response.headers.get(name) ?? "").split(",").map((item) => item.trim());
}
