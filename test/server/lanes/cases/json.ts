/** Bodies of JSON: what is none, what is not the request, and what may pass. */
import type { Case } from "../case.ts";
import { cancel, INVALID, type Is, JSON_WIRES, MALFORMED, OK, overEach } from "./cancel.ts";

const RIGHT = JSON.stringify(cancel("p-1"));

const TEXTS: readonly (readonly [name: string, text: string, is: Is])[] = [
  ["nothing but spaces", " \n\t ", MALFORMED],
  ["null", "null", INVALID],
  ["a number", "1", INVALID],
  ["a string", '"x"', INVALID],
  ["a list", "[]", INVALID],
  ["true", "true", INVALID],
  ["an empty object", "{}", INVALID],
  ["an object that does not end", "{", MALFORMED],
  ["a comma too many", '{"processId":"p-1",}', MALFORMED],
  ["two objects", RIGHT + RIGHT, MALFORMED],
  ["single quotes", "{'processId':'p-1'}", MALFORMED],
  ["a comment", `${RIGHT}// the end`, MALFORMED],
  ["NaN", '{"processId":NaN}', MALFORMED],
  ["spaces around", `\n  ${RIGHT} \r\n`, OK],
  ["a byte order mark", `\ufeff${RIGHT}`, OK],
  ["a member twice", '{"processId":"p-1","processId":"p-2","reason":"r","requestedBy":{"system":"s"}}', MALFORMED],
  [
    "the field's name of the contract and that of JSON",
    '{"process_id":"p-1","processId":"p-2","reason":"r","requestedBy":{"system":"s"}}',
    INVALID,
  ],
  ["the names of the contract", '{"process_id":"p-1","reason":"r","requested_by":{"system":"s"}}', OK],
  [
    "a field that nobody knows",
    '{"processId":"p-1","reason":"r","requestedBy":{"system":"s"},"colour":{"a":[1,null]}}',
    OK,
  ],
  ["__proto__", '{"__proto__":{"processId":"p-2"},"processId":"p-1","reason":"r","requestedBy":{"system":"s"}}', OK],
  ["null for a field", '{"processId":"p-1","reason":null,"requestedBy":{"system":"s"}}', INVALID],
  ["a number for a string", '{"processId":1,"reason":"r","requestedBy":{"system":"s"}}', INVALID],
  [
    "many wrong types",
    '{"processId":[1],"reason":{"a":1},"requestedBy":"s","strategy":{},"forceAfterSeconds":"soon"}',
    INVALID,
  ],
  [
    "wrong types and broken rules",
    '{"processId":"","reason":7,"requestedBy":{"system":""},"strategy":"LOUD"}',
    INVALID,
  ],
  ["a list for a message", '{"processId":"p-1","reason":"r","requestedBy":[]}', INVALID],
  [
    "an enum by its name",
    '{"processId":"p-1","reason":"r","requestedBy":{"system":"s"},"strategy":"STRATEGY_SOFT"}',
    OK,
  ],
  ["an enum by its number", '{"processId":"p-1","reason":"r","requestedBy":{"system":"s"},"strategy":1}', OK],
  [
    "a name that the enum does not have",
    '{"processId":"p-1","reason":"r","requestedBy":{"system":"s"},"strategy":"LOUD"}',
    INVALID,
  ],
  [
    "a number that the enum does not have",
    '{"processId":"p-1","reason":"r","requestedBy":{"system":"s"},"strategy":77}',
    INVALID,
  ],
  [
    "a number with a fraction",
    '{"processId":"p-1","reason":"r","requestedBy":{"system":"s"},"forceAfterSeconds":1.5}',
    INVALID,
  ],
  ["a number as a string", '{"processId":"p-1","reason":"r","requestedBy":{"system":"s"},"forceAfterSeconds":"5"}', OK],
  [
    "a number beyond its range",
    '{"processId":"p-1","reason":"r","requestedBy":{"system":"s"},"forceAfterSeconds":4294967296}',
    INVALID,
  ],
  ["half a character", '{"processId":"p-1","reason":"\\ud800","requestedBy":{"system":"s"}}', INVALID],
  [
    "characters beyond the first plane",
    '{"processId":"p-1","reason":"\ud83d\ude80 \\ud83d\\ude80","requestedBy":{"system":"s"}}',
    OK,
  ],
  ["a null character", '{"processId":"p-1","reason":"a\\u0000b","requestedBy":{"system":"s"}}', OK],
  ["a line break in a string", '{"processId":"p-1","reason":"a\nb","requestedBy":{"system":"s"}}', MALFORMED],
  ["a struct", '{"processId":"p-1","reason":"r","requestedBy":{"system":"s","metadata":{"a":[1,{"b":null}]}}}', OK],
  [
    "lists in lists in lists",
    `{"processId":"p-1","reason":"r","requestedBy":{"system":"s","metadata":{"a":${"[".repeat(200)}${"]".repeat(200)}}}}`,
    INVALID,
  ],
  ["lists in lists that do not end", `{"x":${"[".repeat(2000)}`, MALFORMED],
];

const BYTES: readonly (readonly [name: string, bytes: Buffer, is: Is])[] = [
  [
    "invalid UTF-8 in a string",
    Buffer.from('{"processId":"p-1","reason":"\xc3\x28","requestedBy":{"system":"s"}}', "latin1"),
    OK,
  ],
  ["invalid UTF-8 outside", Buffer.from("\xff{}", "latin1"), MALFORMED],
  ["UTF-16", Buffer.from(RIGHT, "utf16le"), MALFORMED],
];

export const JSON_BODIES: readonly Case[] = [
  ...TEXTS.flatMap(([name, text, is]) => overEach(JSON_WIRES, `JSON: ${name}`, Buffer.from(text), {}, is)),
  ...BYTES.flatMap(([name, bytes, is]) => overEach(JSON_WIRES, `JSON: ${name}`, bytes, {}, is)),
];
