// @vitest-environment node
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as esbuild from "esbuild";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bundling, describe, publish, scriptLine } from "../build.mjs";

let folder;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mobilis-widget-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function bundle(files) {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const { outputFiles } = await esbuild.build(bundling(join(folder, "index.ts")));
  return outputFiles[0].contents;
}

test("the bundle is one script that leaves no name behind and points at no other file", async () => {
  const code = Buffer.from(await bundle({ "index.ts": "const a: number = 1; console.log(a);" }));
  expect(code.toString()).toMatch(/^\/\* mobilis, Apache-2.0 \*\/\s*\(\(\)=>\{/);
  expect(code.toString()).not.toContain("sourceMappingURL");
});

test("a style sheet is bundled as its minified text, accents as they are", async () => {
  const code = await bundle({
    "index.ts": 'import css from "./style.css"; console.log(css);',
    "style.css": "/* why */\n:host {\n  color: red;\n}\n:host::before {\n  content: 'é';\n}\n",
  });
  expect(Buffer.from(code).toString()).toContain(':host{color:red}:host:before{content:"é"}');
});

test("the manifest describes the file that stands beside it", async () => {
  const manifest = await publish(Buffer.from("é"), folder);
  expect(await readFile(join(folder, "widget.js"), "utf8")).toBe("é");
  expect(JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"))).toEqual(manifest);
  expect(manifest).toMatchObject({
    file: "widget-4a99557e4033.js",
    hash: "4a99557e4033",
    bytes: 2,
  });
  expect(manifest.integrity).toMatch(/^sha384-[\w+/]{64}$/);
});

test("a widget above the limit is refused in a sentence, and nothing is written", async () => {
  const code = Buffer.from("x");
  const { gzip } = describe(code);
  await publish(code, join(folder, "just"), gzip);
  await expect(publish(code, join(folder, "above"), gzip - 1)).rejects.toThrow(
    `the widget is ${gzip} bytes gzipped: ${gzip - 1} is the limit`,
  );
  await expect(readFile(join(folder, "above/widget.js"))).rejects.toThrow("ENOENT");
});

test("the script line names the file of this build and its integrity", () => {
  const line = scriptLine({ file: "widget-abc.js", integrity: "sha384-xyz" });
  expect(line).toContain('/widget-abc.js" integrity="sha384-xyz" crossorigin="anonymous"');
});

test("the command tells how it is used", async () => {
  const command = fileURLToPath(new URL("../build.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [command, "--help"]);
  expect(stdout).toContain("--watch");
});
