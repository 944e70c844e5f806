// What screen readers are told: each new message once, and how the connection stands. Nothing here
// is seen, and what is here goes away again, so that nobody reads it twice.
import { speaker } from "./card";
import { h } from "./dom";
import type { Message } from "./message";
import { fill, wordsOf } from "./words";

const KEEP_MS = 20_000;

export class Announcer {
  readonly root = h("div", { class: "hidden", "aria-live": "polite", "data-live": true });

  message(message: Message, node: HTMLElement): void {
    const words = wordsOf(message.language);
    const who = speaker(message, words);
    const said = [...node.children].flatMap((block) => {
      if (block.matches("ul, ol")) return [...block.children];
      return block.matches("p:not(.who, .state)") ? [block] : [];
    });
    const parts = said.map(linesOf).filter(Boolean);
    if (message.coaches) parts.push(message.coaches.map(({ name }) => name).join(", "));
    const count = message.choices?.length ?? 0;
    if (count) parts.push(fill(words.choices, { count }));
    this.say([who, ...parts].join("\n"), message.language);
  }

  say(text: string, language: string): void {
    const node = h("p", { lang: language }, text);
    this.root.append(node);
    setTimeout(() => node.remove(), KEEP_MS);
  }
}

function linesOf(block: Element): string {
  const pieces = [...block.childNodes].map((piece) =>
    piece.nodeName === "BR" ? "\n" : piece.textContent,
  );
  return pieces.join("").trim();
}
