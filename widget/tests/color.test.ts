import { expect, test } from "vitest";
import { accentProperties, contrast, parse } from "../src/color";

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
  "« %s » is no colour, and changes nothing",
  (text) => {
    expect(parse(text)).toBeNull();
    expect(accentProperties(text, "#ffffff", "#000000")).toEqual({});
  },
);

test("without an accent nothing changes", () => {
  expect(accentProperties(null, "#ffffff", "#000000")).toEqual({});
});

test("a dark accent is written on in white, and used where it can be read", () => {
  expect(accentProperties("#0b5c6b", "#ffffff", "#161c24")).toEqual({
    "--_accent": "#0b5c6b",
    "--_on-accent": "#ffffff",
    "--_accent-light": "#0b5c6b",
    "--_accent-dark": "inherit",
  });
});

test("a light accent is written on in black, and is no colour for text on white", () => {
  expect(accentProperties("#fc0", "#ffffff", "#161c24")).toEqual({
    "--_accent": "#ffcc00",
    "--_on-accent": "#000000",
    "--_accent-light": "inherit",
    "--_accent-dark": "#ffcc00",
  });
});

test("whatever the accent, what is written on it can be read", () => {
  for (let step = 0; step < 4096; step += 7) {
    const accent = `#${step.toString(16).padStart(3, "0")}`;
    const { "--_on-accent": on = "" } = accentProperties(accent, "#ffffff", "#161c24");
    expect(ratio(accent, on), accent).toBeGreaterThanOrEqual(4.5);
  }
});
