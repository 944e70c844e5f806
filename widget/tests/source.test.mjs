// @vitest-environment node
// Rules that the widget's sources keep, read from their text.
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import fr from "../locales/fr.json";

const FOLDER = new URL("../src/", import.meta.url);
const names = readdirSync(FOLDER).filter((name) => name.endsWith(".ts"));
const sources = names.map((name) => [name, readFileSync(new URL(name, FOLDER), "utf8")]);
const everything = sources.map(([, text]) => text).join("\n");

// Keys of the keyboard, and what requests are made of.
const NO_WORDS = [
  ..."ArrowDown ArrowUp End Enter Escape Home".split(" "),
  ..."Accept-Language Authorization Bearer Content-Type Retry-After".split(" "),
];

function withoutComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** The strings of a source that a visitor might read: not those for the developers of a website. */
function strings(text) {
  const code = withoutComments(text)
    .replace(/console\.error\([\s\S]*?\);/g, "")
    .replace(/(?:querySelector(?:All)?|matches)(?:<\w+>)?\([^)]*\)/g, "");
  const found = code.matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g);
  return [...found].map(([, quoted, template]) => (quoted ?? template).replace(/\$\{[^}]*\}/g, ""));
}

/** Whether a string says something in a human language. */
function isSaid(string) {
  const text = NO_WORDS.reduce((left, word) => left.replace(word, ""), string).trim();
  const isAccented = /[À-ÖØ-öø-ÿœŒ«»’…]/.test(text);
  const isCapitalized = /^\p{Lu}\p{Ll}+([\s.!?…,:]|$)/u.test(text);
  const isPhrase = /(^|\s)\p{L}+['\s]\p{L}+[',]?\s\p{L}+/u.test(text);
  return isAccented || isCapitalized || isPhrase;
}

test("all sources are read", () => {
  expect(names).toContain("index.ts");
  expect(names.length).toBeGreaterThan(10);
});

test.each([
  ["markup that is parsed", /innerHTML|outerHTML|insertAdjacentHTML|setHTML|srcdoc/],
  [
    "markup that is parsed otherwise",
    /document\.write|DOMParser|createContextualFragment|<template/,
  ],
  ["text that becomes code", /\beval\b|new Function|\bFunction\(|javascript:/],
  ["timers that are given text", /set(?:Timeout|Interval)\(\s*["'`]/],
  ["style attributes, which strict policies refuse", /style=|\bstyle:|["']style["']|cssText/],
  ["style or script elements", /["'](?:style|script|link)["']\s*,/],
  ["words on the console, but for developers' mistakes", /console\.(?!error)/],
  ["cookies", /document\.cookie/],
])("nothing in them is %s", (_what, pattern) => {
  for (const [name, text] of sources) {
    expect(withoutComments(text).match(pattern)?.[0], name).toBeUndefined();
  }
});

test("the rule for sentences knows one when it sees one", () => {
  for (const said of [
    "Fermer",
    "Close",
    "Not sent yet",
    "votre message est là",
    "Oui.",
    "a new tab",
  ]) {
    expect(isSaid(said), said).toBe(true);
  }
  for (const code of [
    "M5 13l4 4L19 7",
    "p:not(.who, .state)",
    "message assistant",
    "Bearer ",
    "c1",
  ]) {
    expect(isSaid(code), code).toBe(false);
  }
});

test("what visitors read stands in the locales, not in the sources", () => {
  for (const [name, text] of sources) {
    expect(strings(text).filter(isSaid), name).toEqual([]);
  }
});

test("whatever the locales say is said somewhere", () => {
  const unused = Object.keys(fr).filter(
    (key) => !new RegExp(`\\.${key}\\b|"${key}"`).test(everything),
  );
  expect(unused).toEqual([]);
});

test("every module says at its top what lives there", () => {
  for (const [name, text] of sources) {
    const top = /^(?:\/\/ .*\n){1,4}(?!\/\/)/.test(text);
    expect(top, name).toBe(true);
  }
});

test("no module is named after nothing in particular", () => {
  const nothing = ["utils", "util", "helpers", "helper", "common", "misc", "manager", "base"];
  expect(
    names.map((name) => basename(name, ".ts")).filter((name) => nothing.includes(name)),
  ).toEqual([]);
});

test("every module has its tests", () => {
  const tests = readdirSync(new URL(".", import.meta.url));
  const missing = names.filter(
    (name) => !tests.some((file) => file.startsWith(`${basename(name, ".ts")}.test.`)),
  );
  expect(missing).toEqual([]);
});
