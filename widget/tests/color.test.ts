import { expect, test } from "vitest";
import { accentProperties, contrast, parse } from "../src/color";

const LIGHT = { panel: "#ffffff", card: "#f0f4f5" };
const DARK = { panel: "#161c24", card: "#232d38" };

function ratio(one: string, other: string): number {
  const [first, second] = [parse(one), parse(other)];
  if (!first || !second) throw new Error("no colour");
  return contrast(first, second);
}

test.each([
  ["#000000", "#ffffff", 21],
  ["#ffffff", "#ffffff", 1],
  ["#767676", "#ffffff", 4.54], // the lightest grey that is readable on white
  ["#777777", "#ffffff", 4.48],
  ["#ff0000", "#ffffff", 4.0],
  ["#0000ff", "#ffffff", 8.59],
  ["#0b5c6b", "#ffffff", 7.62],
])("the contrast of %s and %s is %d", (one, other, expected) => {
  expect(ratio(one, other)).toBeCloseTo(expected, 1);
  expect(ratio(other, one)).toBe(ratio(one, other));
});

test("a colour has three or six hexadecimal digits, with or without a number sign", () => {
  expect(parse("#0b5c6b")).toEqual([11, 92, 107]);
  expect(parse(" 0B5C6B ")).toEqual([11, 92, 107]);
  expect(parse("#fa0")).toEqual([255, 170, 0]);
});

test.each(["", "teal", "#12", "#12345", "#1234567", "#11223344", "rgb(1,2,3)", "#fff;color:red"])(
  "« %s » is no colour, and sets nothing",
  (text) => {
    expect(parse(text)).toBeNull();
    expect(new Set(Object.values(accentProperties(text, LIGHT, DARK)))).toEqual(new Set([null]));
  },
);

test("without an accent nothing is set", () => {
  expect(Object.values(accentProperties(null, LIGHT, DARK)).filter(Boolean)).toEqual([]);
});

test("a dark accent is written on in white, and is lighter where it is text on dark", () => {
  expect(accentProperties("#0b5c6b", LIGHT, DARK)).toEqual({
    "--_accent": "#0b5c6b",
    "--_on-accent": "#ffffff",
    "--_accent-light": "#0b5c6b",
    "--_accent-dark": "#6d9da6",
    "--_edge-light": "transparent",
    "--_edge-dark": "var(--_line)",
  });
});

test("a light accent is written on in black, and is darker where it is text on white", () => {
  expect(accentProperties("#fc0", LIGHT, DARK)).toEqual({
    "--_accent": "#ffcc00",
    "--_on-accent": "#000000",
    "--_accent-light": "#806600",
    "--_accent-dark": "#ffcc00",
    "--_edge-light": "var(--_line)",
    "--_edge-dark": "transparent",
  });
});

test("whatever the accent, it and what is written on it can be read", () => {
  for (let step = 0; step < 4096; step += 7) {
    const accent = `#${step.toString(16).padStart(3, "0")}`;
    const found = accentProperties(accent, LIGHT, DARK);
    const pairs = [
      [accent, found["--_on-accent"]],
      [found["--_accent-light"], LIGHT.card],
      [found["--_accent-light"], LIGHT.panel],
      [found["--_accent-dark"], DARK.card],
      [found["--_accent-dark"], DARK.panel],
    ];
    for (const [one, other] of pairs) {
      expect(ratio(one ?? "", other ?? ""), accent).toBeGreaterThanOrEqual(4.5);
    }
  }
});
