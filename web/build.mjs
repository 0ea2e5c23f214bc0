// Builds the player's page: one file, with the program and its style in it, into the Python package.
// node build.mjs writes it; node build.mjs --check fails if the committed one is not what the source builds.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const TARGET = new URL("../src/orbitscope/player/template.html", import.meta.url);
const MOST_BYTES = 700_000;

const options = { bundle: true, minify: true, write: false, target: "es2022", legalComments: "none", charset: "utf8" };
const here = (name) => new URL(name, import.meta.url).pathname;
const script = (await build({ ...options, entryPoints: [here("src/main.ts")], format: "iife" })).outputFiles[0].text.trim();
const style = (await build({ ...options, entryPoints: [here("src/style.css")] })).outputFiles[0].text.trim();
if (script.includes("</script") || script.includes("%%") || script.includes("<!--")) throw new Error("the script would end its own element");

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "img-src data: blob:",
  "media-src blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const parts = { POLICY: policy, STYLE: style, SCRIPT: script };
const page = readFileSync(here("page.html"), "utf8").replace(/%%(POLICY|STYLE|SCRIPT)%%/g, (_, name) => parts[name]);
const size = Buffer.byteLength(page);
if (size > MOST_BYTES) throw new Error(`the page has ${size} bytes before sound and data; ${MOST_BYTES} are allowed`);

if (process.argv.includes("--check")) {
  if (readFileSync(TARGET, "utf8") !== page) {
    console.error("src/orbitscope/player/template.html is not what web/ builds: run `npm run build` in web/ and commit it");
    process.exit(1);
  }
} else {
  writeFileSync(TARGET, page);
}
console.log(`${size} bytes`);
