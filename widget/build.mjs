// Bundles src/index.ts and all that it imports into one file, dist/widget.js, and describes it in
// dist/manifest.json. A widget heavier than its limit is not built.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

export const LIMIT = 25_000; // bytes, gzipped
const BROWSERS = ["chrome111", "edge111", "firefox113", "safari16.4"]; // adoptedStyleSheets, color-mix;
const HERE = fileURLToPath(new URL(".", import.meta.url));
const DIST = fileURLToPath(new URL("dist/", import.meta.url));
const HTMX = fileURLToPath(new URL("node_modules/htmx.org/dist/htmx.min.js", import.meta.url));
const HELP = `node build.mjs            build dist/widget.js and dist/manifest.json
node build.mjs --watch    build again whenever a source changes
node build.mjs --help`;

/** An imported style sheet is its text, minified. */
const cssAsText = {
  name: "css-as-text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const options = { loader: "css", minify: true, charset: "utf8", target: BROWSERS };
      const { code } = await esbuild.transform(source, { ...options, sourcefile: path });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

/** What esbuild is asked for; the bundle stays in memory. */
export function bundling(entry = "src/index.ts") {
  return {
    absWorkingDir: HERE,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "iife",
    target: BROWSERS,
    minify: true,
    charset: "utf8",
    legalComments: "none",
    banner: { js: "/* mobilis, Apache-2.0 */" },
    plugins: [cssAsText],
  };
}

/** What the front door and whoever pastes the script line must know of a bundle. */
export function describe(code) {
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 12);
  return {
    file: `widget-${hash}.js`,
    hash,
    integrity: `sha384-${createHash("sha384").update(code).digest("base64")}`,
    bytes: code.length,
    gzip: gzipSync(code, { level: 9 }).length,
  };
}

/** Writes the bundle and its manifest, unless the bundle is too heavy. */
export async function publish(code, folder = DIST, limit = LIMIT) {
  const manifest = describe(code);
  if (manifest.gzip > limit) {
    throw new Error(`the widget is ${manifest.gzip} bytes gzipped: ${limit} is the limit`);
  }
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/widget.js`, code);
  await copyFile(HTMX, `${folder}/htmx.js`); // for the console's pages
  await writeFile(`${folder}/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/** The line that a website pastes to get this very file, and no other. */
export function scriptLine({ file, integrity }) {
  return `<script defer src="https://YOUR-FRONT-DOOR/${file}" integrity="${integrity}" crossorigin="anonymous" data-language="auto"></script>`;
}

async function publishAndTell(result) {
  const manifest = await publish(result.outputFiles[0].contents);
  console.log(
    `dist/widget.js: ${manifest.bytes} bytes, ${manifest.gzip} gzipped (${LIMIT} at most)`,
  );
  console.log(`integrity: ${manifest.integrity}`);
  console.log(`pinned to this build: ${scriptLine(manifest)}`);
}

function tellProblem(error) {
  if (!error.errors) console.error(`widget: ${error.message}`); // esbuild has told its own
}

async function watch() {
  const telling = {
    name: "telling",
    setup(build) {
      build.onEnd((result) => {
        if (result.errors.length === 0) return publishAndTell(result).catch(tellProblem);
      });
    },
  };
  const options = bundling();
  const plugins = [...options.plugins, telling];
  const context = await esbuild.context({ ...options, plugins, logLevel: "info" });
  await context.watch();
}

async function main() {
  const flags = { watch: { type: "boolean" }, help: { type: "boolean" } };
  const { values } = parseArgs({ options: flags });
  if (values.help) console.log(HELP);
  else if (values.watch) await watch();
  else await publishAndTell(await esbuild.build({ ...bundling(), logLevel: "info" }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    tellProblem(error);
    process.exitCode = 1;
  });
}
