/** Text from elsewhere, made safe for a terminal. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Shows control characters as escapes: a reason or an id must not move the cursor, or colour and reorder what stands around it. */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) => {
    if (character === "\n") return "\\n";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
