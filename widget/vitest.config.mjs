// Unit tests run in a DOM without layout; what needs a real browser is in tests/browser.
import { defineConfig } from "vitest/config";

/** A style sheet is its text here as well: see css.d.ts. */
const cssAsText = {
  name: "css-as-text",
  enforce: "pre",
  resolveId(source, importer) {
    if (!source.endsWith(".css")) return null;
    return this.resolve(`${source}?raw`, importer, { skipSelf: true });
  },
};

export default defineConfig({
  plugins: [cssAsText],
  test: { environment: "jsdom", css: true, include: ["tests/**/*.test.{ts,mjs}"] },
});
