// What the Rust test gives, and small things that the tests share.

import { readFileSync } from "node:fs";

export const fixtures = JSON.parse(readFileSync(process.env.KEIS_FIXTURES, "utf8"));

// JSON whose numbers are BigInts: JSON.parse alone loses those above 2^53. `text` is JSON without escaped quotes.
export const parseWide = (text) =>
  JSON.parse(text.replace(/"[^"]*"|\d+/g, (part) => (part.startsWith('"') ? part : `"#${part}"`)), (_, value) =>
    typeof value === "string" && value.startsWith("#") ? BigInt(value.slice(1)) : value,
  );

// One text for one value, whether its numbers are numbers or BigInts.
export const canonical = (value) => {
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)}}`;
};

const raw = readFileSync(process.env.KEIS_FIXTURES, "utf8");

// Lists of {hex, json} with wide numbers kept.
export const pairs = (name) => {
  const start = raw.indexOf(`"${name}":[`) + name.length + 3;
  let depth = 0;
  let end = start;
  for (; ; end += 1) {
    if ("[{".includes(raw[end])) depth += 1;
    if ("]}".includes(raw[end])) depth -= 1;
    if (depth === 0) break;
  }
  return parseWide(raw.slice(start, end + 1));
};
