/** Colour, where it is wanted: on a terminal, and not with NO_COLOR. */
import { styleText } from "node:util";

export type Paint = (text: string) => string;

/** For standard output. `styleText` looks at the stream, NO_COLOR and FORCE_COLOR by itself. */
const painter = (format: Parameters<typeof styleText>[0]): Paint => {
  return (text) => styleText(format, text, { stream: process.stdout });
};

export const plain: Paint = (text) => text;
export const dim = painter("dim");
export const bold = painter("bold");
export const green = painter("green");
export const yellow = painter("yellow");
export const red = painter("red");
