import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Announcer } from "../src/announcer";
import { card } from "../src/card";
import type { Message } from "../src/message";
import { aMessage, anApi, nothing } from "./messages";

let announcer: Announcer;
beforeEach(() => {
  vi.useFakeTimers();
  announcer = new Announcer();
});
afterEach(() => vi.useRealTimers());

function announced(message: Message): string {
  announcer.message(message, card(message, "en", anApi, nothing));
  return announcer.root.lastElementChild?.textContent ?? "";
}

test("it is a live region that is not seen", () => {
  expect(announcer.root.getAttribute("aria-live")).toBe("polite");
  expect(announcer.root.className).toBe("hidden");
});

test("a message is told once: who says it, then its text", () => {
  expect(announced(aMessage({ text: "Hello **you**.\n\nHow are you?" }))).toBe(
    "Assistant\nHello you.\nHow are you?",
  );
  expect(announcer.root.children).toHaveLength(1);
});

test("a message of the team says so", () => {
  const message = aMessage({ role: "staff", text: "Hello.", staff: { name: "Ann Roy" } });
  expect(announced(message)).toBe("Ann Roy, from the program team\nHello.");
});

test("lines and the items of a list are told one by one", () => {
  expect(announced(aMessage({ text: "Two lines\nof text:\n\n- one\n- two" }))).toBe(
    "Assistant\nTwo lines\nof text:\none\ntwo",
  );
});

test("the number of a question is told before it, the number of its choices after", () => {
  const question = aMessage({
    kind: "question",
    text: "How clear?",
    question: { id: "impact", number: 2, of: 5 },
    choices: [
      { id: "a", title: "Very" },
      { id: "b", title: "Not at all" },
    ],
  });
  expect(announced(question)).toBe("Assistant\nQuestion 2 of 5\nHow clear?\nChoices offered: 2.");
});

test("coaches are told by their names, and their contact buttons count as choices", () => {
  const coaches = aMessage({
    kind: "coaches",
    text: "Here they are:\n\n- Ann Roy",
    coaches: [
      { id: "1", name: "Ann Roy" },
      { id: "2", name: "Bo Li" },
    ],
    choices: [{ id: "a", title: "Contact Ann Roy" }],
  });
  expect(announced(coaches)).toBe("Assistant\nHere they are:\nAnn Roy, Bo Li\nChoices offered: 1.");
});

test("a message is told in its own language", () => {
  expect(announced(aMessage({ language: "fr", text: "Bonjour." }))).toBe("Assistant\nBonjour.");
  expect(announcer.root.lastElementChild?.getAttribute("lang")).toBe("fr");
});

test("what was told goes away again", () => {
  announcer.say("one", "en");
  vi.advanceTimersByTime(19_000);
  announcer.say("two", "en");
  vi.advanceTimersByTime(2_000);
  expect(announcer.root.textContent).toBe("two");
  vi.advanceTimersByTime(20_000);
  expect(announcer.root.textContent).toBe("");
});
