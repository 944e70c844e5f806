// Messages for tests, and what a card needs besides.
import { Api } from "../src/api";
import type { Chosen } from "../src/card";
import type { Message } from "../src/message";

let made = 0;

export const anApi = new Api("https://door.example");

/** For cards whose buttons nobody presses. */
export const nothing: Chosen = { choose() {}, back() {}, rate() {} };

export function aMessage(own: Partial<Message> = {}): Message {
  made += 1;
  return {
    id: `m${made}`,
    role: "assistant",
    language: "en",
    kind: "text",
    text: "Hello.",
    ...own,
  };
}
