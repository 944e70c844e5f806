import { expect, test } from "vitest";
import en from "../locales/en.json";
import fr from "../locales/fr.json";
import { fill, languageOf, otherLanguage, wordsOf } from "../src/words";

const french = Object.entries(fr);
const english = Object.entries(en);

function placeholders(sentence: string): string[] {
  return [...sentence.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "").sort();
}

test("both languages say the same things, in the same order", () => {
  expect(Object.keys(fr)).toEqual(Object.keys(en));
});

test("nothing is left empty or with spaces around it", () => {
  for (const [key, sentence] of [...french, ...english]) {
    expect(sentence, key).toBe(sentence.trim());
    expect(sentence, key).not.toBe("");
  }
});

test("a sentence has the same placeholders in both languages", () => {
  for (const [key, sentence] of french) {
    expect(placeholders(sentence), key).toEqual(placeholders(en[key as keyof typeof en]));
  }
});

test("French is punctuated as in Canada", () => {
  for (const [key, sentence] of french) {
    expect(sentence, key).not.toMatch(/[\s\u00a0\u202f][;!?]/u); // no space before these
    expect(sentence, key).not.toMatch(/[^\u00a0]:/u); // a no-break space before a colon
    expect(sentence, key).not.toMatch(/«[^\u00a0]|[^\u00a0]»/u);
    expect(sentence, key).not.toMatch(/[’‘“”"]/u); // straight apostrophes, no other quotation marks
    expect(sentence, key).not.toContain("...");
  }
});

test("English is punctuated as in English", () => {
  for (const [key, sentence] of english) {
    expect(sentence, key).not.toMatch(/[\s\u00a0][:;!?.,]/u);
    expect(sentence, key).not.toMatch(/[’‘“”«»]/u);
    expect(sentence, key).not.toContain("...");
  }
});

test("no French is left in English, and no English in French", () => {
  const same = english.filter(([key, sentence]) => sentence === fr[key as keyof typeof fr]);
  expect(same.map(([key]) => key).sort()).toEqual([
    "answersPoints",
    "assistant",
    "downloadName",
    "sources",
  ]);
});

test("the switch is written in the language that it leads to", () => {
  expect(wordsOf("fr").other).toBe("English");
  expect(wordsOf("en").other).toBe("Français");
  expect(otherLanguage("fr")).toBe("en");
  expect(otherLanguage("en")).toBe("fr");
});

test.each([
  ["fr", "fr"],
  ["fr-CA", "fr"],
  ["FR_ca", "fr"],
  ["en-US", "en"],
  ["EN", "en"],
])("the language of the tag %s is %s", (tag, language) => {
  expect(languageOf(tag)).toBe(language);
});

test.each(["auto", "", "de", "english", "fra", null, undefined])(
  "%s is no language of ours",
  (tag) => {
    expect(languageOf(tag)).toBeNull();
  },
);

test("a sentence is filled in, and what is unknown stays as it is", () => {
  expect(fill("{a} of {b}, {a}", { a: 1, b: "two" })).toBe("1 of two, 1");
  expect(fill("{a} {c}", { a: "{c}" })).toBe("{c} {c}");
});
