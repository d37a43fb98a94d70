/** Where a text stops being JSON: JSON.parse does not always say. */

/** The place of an error, and what stands there. */
export interface SyntaxFault {
  /** From 0, in UTF-16 code units. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** A character in quotes, or the word end. */
  readonly found: string;
}

// One token after white space: punctuation, a string, or another scalar. No part of a string can be matched in two ways: otherwise one
// without an end would be tried in all of them.
const TOKEN =
  /[ \t\r\n]*(?:([{}[\],:])|("[\x20\x21\x23-\x5b\x5d-\u{10ffff}]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[\x20\x21\x23-\x5b\x5d-\u{10ffff}]*)*")|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/uy;

/** What may come next. */
type State = "value" | "value or ]" | "name" | "name or }" | "colon" | ", or ]" | ", or }" | "end";

/** What a token does: opens a container, closes the innermost, is a value by itself, or leads on. */
type Step = "open" | "close" | "scalar" | State;

const VALUE: Readonly<Record<string, Step>> = { "{": "open", "[": "open", string: "scalar", scalar: "scalar" };

const GRAMMAR: Readonly<Record<State, Readonly<Record<string, Step>>>> = {
  value: VALUE,
  "value or ]": { ...VALUE, "]": "close" },
  name: { string: "colon" },
  "name or }": { string: "colon", "}": "close" },
  colon: { ":": "value" },
  ", or ]": { ",": "value", "]": "close" },
  ", or }": { ",": "name", "}": "close" },
  end: {},
};

/** The first place at which `text` is not JSON; null if all of it is. */
export function findSyntaxFault(text: string): SyntaxFault | null {
  const containers: string[] = [];
  let state: State = "value";
  let offset = 0;
  for (;;) {
    TOKEN.lastIndex = offset;
    const match: RegExpExecArray | null = TOKEN.exec(text);
    if (match === null) break;
    const token: string = match[1] ?? (match[2] === undefined ? "scalar" : "string");
    const step: Step | undefined = GRAMMAR[state][token];
    if (step === undefined) break;
    state = take(step, token, containers);
    offset = TOKEN.lastIndex;
  }
  const fault = offset + (/^[ \t\r\n]*/.exec(text.slice(offset))?.[0].length ?? 0);
  return state === "end" && fault === text.length ? null : describe(text, fault);
}

/** The state after a step. Keeps `containers`: the brackets that are open, the innermost last. */
function take(step: Step, token: string, containers: string[]): State {
  switch (step) {
    case "open":
      containers.push(token);
      return token === "{" ? "name or }" : "value or ]";
    case "close":
      containers.pop();
      return afterValue(containers);
    case "scalar":
      return afterValue(containers);
    default:
      return step;
  }
}

function afterValue(containers: readonly string[]): State {
  const container = containers.at(-1);
  if (container === undefined) return "end";
  return container === "{" ? ", or }" : ", or ]";
}

function describe(text: string, offset: number): SyntaxFault {
  const lines = text.slice(0, offset).split("\n");
  const character = text.codePointAt(offset);
  const found = character === undefined ? "end" : JSON.stringify(String.fromCodePoint(character));
  return { offset, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1, found };
}
