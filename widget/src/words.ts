// What the widget itself says, in both languages. The assistant's own sentences come with its messages.
import en from "../locales/en.json";
import fr from "../locales/fr.json";

export type Language = "fr" | "en";
export type Words = typeof fr;

const ALL: Record<Language, Words> = { fr, en };

export function wordsOf(language: Language): Words {
  return ALL[language];
}

export function otherLanguage(language: Language): Language {
  return language === "fr" ? "en" : "fr";
}

/** The language of a tag such as "fr-CA", or null when it is none of ours. */
export function languageOf(tag: string | null | undefined): Language | null {
  const code = (tag ?? "").toLowerCase().split(/[-_]/)[0];
  return code === "fr" || code === "en" ? code : null;
}

/** A sentence with its {placeholders} filled in. */
export function fill(sentence: string, values: Record<string, string | number>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, key: string) => String(values[key] ?? whole));
}
