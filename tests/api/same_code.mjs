// Tells in which pairs of sources the second is other code than the first: [[name, written, served], …] on stdin.
// Compared are the syntax trees: no difference in comments, spaces or line ends matters, nor `let` for `const`, any other does.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { parse } = createRequire(process.argv[2])("acorn");
const PLACES = new Set(["start", "end"]);

function tree(source, sourceType) {
  const plain = (key, value) => (PLACES.has(key) ? undefined : key === "kind" && value === "const" ? "let" : typeof value === "bigint" ? `${value}n` : value);
  return JSON.stringify(parse(source, { ecmaVersion: "latest", sourceType }), plain);
}

const pairs = JSON.parse(readFileSync(0, "utf8"));
const differ = pairs.filter(([, written, served]) => tree(written, "module") !== tree(served, "module"));
process.stdout.write(JSON.stringify(differ.map(([name]) => name)));
