import { expect, test } from "vitest";
import css from "./sample.css";

test("a style sheet is its text in tests too", () => {
  expect(css).toBe("p {\n  color: red;\n}\n");
});
