import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Message } from "../src/message";
import { Transcript } from "../src/transcript";
import { wordsOf } from "../src/words";
import { resizeAll } from "./browser";
import { aMessage, anApi } from "./messages";

const said = { choice: vi.fn(), back: vi.fn(), rate: vi.fn() };
let transcript: Transcript;

beforeEach(() => {
  vi.clearAllMocks();
  transcript = new Transcript(anApi, said, "en");
  document.body.append(transcript.root, transcript.toNewest);
});
afterEach(() => document.body.replaceChildren());

function show(own: Partial<Message> = {}, pending = false): HTMLElement {
  return transcript.show(aMessage(own), pending);
}

function aQuestion(own: Partial<Message> = {}): HTMLElement {
  const choices = ["a", "b"].map((id) => ({ id: `${own.id ?? ""}${id}`, title: id }));
  return show({ kind: "question", question: { id: "q", number: 2, of: 5 }, choices, ...own });
}

/** Where Tab leads to: all elements with a tab stop. */
function tabStops(): Element[] {
  const all = transcript.root.parentElement?.querySelectorAll(".log, .log *") ?? [];
  return [...all].filter(
    (node) =>
      (node as HTMLElement).tabIndex >= 0 &&
      (node.hasAttribute("tabindex") || node.matches("a, button")),
  );
}

function press(key: string, modifiers: KeyboardEventInit = {}): KeyboardEvent {
  const event = new KeyboardEvent("keydown", {
    key,
    bubbles: true,
    cancelable: true,
    ...modifiers,
  });
  (document.activeElement ?? document.body).dispatchEvent(event);
  return event;
}

function texts(): string[] {
  return [...transcript.root.querySelectorAll("article")].map(
    (node) => node.querySelector("p:last-of-type")?.textContent ?? "",
  );
}

/** The messages that wait to be sent. */
function pending(): string[] {
  const all = transcript.root.querySelectorAll<HTMLElement>(".pending");
  return [...all].map(({ dataset }) => dataset.id ?? "");
}

function button(id: string): HTMLElement {
  const found = transcript.root.querySelector<HTMLElement>(`[data-choice="${id}"]`);
  if (!found) throw new Error(`no choice ${id}`);
  return found;
}

/** The choices that are closed, and those that are said to be chosen. */
function closed(): string[] {
  const all = transcript.root.querySelectorAll<HTMLElement>("[aria-disabled=true][data-choice]");
  return [...all].map(({ dataset }) => dataset.choice ?? "");
}

function chosen(): string[] {
  const all = transcript.root.querySelectorAll<HTMLElement>("[data-choice]:has(.chosen)");
  return [...all].map(({ dataset }) => dataset.choice ?? "");
}

// Order

test("messages stand in the order in which they come", () => {
  show({ text: "one" });
  show({ text: "two", role: "visitor" });
  show({ text: "three" });
  expect(texts()).toEqual(["one", "two", "three"]);
});

test("a message that is shown again takes its own place", () => {
  show({ id: "x", text: "one" });
  show({ text: "two" });
  show({ id: "x", text: "one again" });
  expect(texts()).toEqual(["one again", "two"]);
});

test("what is not sent stays last, in the order in which it was said, until it has arrived", () => {
  show({ id: "x", role: "visitor", text: "first" }, true);
  show({ id: "y", role: "visitor", text: "second" }, true);
  show({ text: "answer to something before" });
  expect(texts()).toEqual(["answer to something before", "first", "second"]);
  expect(pending()).toEqual(["x", "y"]);
  show({ id: "x", role: "visitor", text: "first" });
  show({ text: "answer to the first" });
  expect(texts()).toEqual(["answer to something before", "first", "answer to the first", "second"]);
  expect(pending()).toEqual(["y"]);
});

test("beside a message of the visitor stands how it is with it, once", () => {
  const node = show({ id: "x", role: "visitor" }, true);
  transcript.mark("x", "unsent", "Not sent yet");
  transcript.mark("x", "failed", "Too long");
  expect([...node.querySelectorAll(".state")].map((state) => state.textContent)).toEqual([
    "Too long",
  ]);
  expect(node.classList.contains("failed")).toBe(true);
  expect(pending()).toEqual([]);
});

test("what stands beside a message is gone once it has arrived", () => {
  show({ id: "x", role: "visitor" }, true);
  transcript.mark("x", "unsent", "Not sent yet");
  show({ id: "x", role: "visitor" });
  expect(transcript.root.querySelector(".state")).toBeNull();
});

test("a mark on a message that is not there is no mark", () => {
  transcript.mark("nowhere", "failed", "Too long");
  expect(transcript.root.querySelector(".state")).toBeNull();
});

test("whether the visitor has spoken is known", () => {
  show();
  expect(transcript.hasSpoken).toBe(false);
  show({ role: "visitor" }, true);
  expect(transcript.hasSpoken).toBe(true);
  transcript.clear();
  expect(transcript.hasSpoken).toBe(false);
  expect(texts()).toEqual([]);
});

// Language

test("messages of the other language say so, and it follows the page's", () => {
  const french = show({ language: "fr" });
  const english = show({ language: "en" });
  expect([french.lang, english.lang]).toEqual(["fr", ""]);
  transcript.relabel(wordsOf("fr"), "fr");
  expect([french.lang, english.lang]).toEqual(["", "en"]);
  expect(transcript.root.getAttribute("aria-label")).toBe("Messages de la conversation");
  expect(transcript.toNewest.textContent).toBe("Aller au dernier message");
  expect(show({ language: "fr" }).hasAttribute("lang")).toBe(false);
});

// Keyboard

test("all messages together are one tab stop: the newest", () => {
  aQuestion();
  const last = show({ text: "[a](https://example.org)", choices: [{ id: "x", title: "X" }] });
  expect(tabStops()).toEqual([last]);
});

test("the arrows walk through messages, their links and their buttons", () => {
  const first = show({ text: "[a](https://example.org)" });
  const second = show({ choices: [{ id: "x", title: "X" }] });
  second.focus();
  press("ArrowUp");
  expect(document.activeElement).toBe(first.querySelector("a"));
  press("ArrowUp");
  expect(document.activeElement).toBe(first);
  press("ArrowDown");
  press("ArrowDown");
  expect(press("ArrowDown").defaultPrevented).toBe(true);
  expect(document.activeElement).toBe(button("x"));
  expect(tabStops()).toEqual([button("x")]);
});

test("Home and End lead to the first and to the last", () => {
  const first = show();
  show({ choices: [{ id: "x", title: "X" }] }).focus();
  press("Home");
  expect(document.activeElement).toBe(first);
  press("End");
  expect(document.activeElement).toBe(button("x"));
});

test("at either end the arrows are left to the browser", () => {
  show().focus();
  expect(press("ArrowDown").defaultPrevented).toBe(false);
  expect(press("ArrowUp").defaultPrevented).toBe(false);
});

test.each(["Tab", "PageUp", "a", "Escape"])("%s is left to the browser", (key) => {
  show();
  show().focus();
  expect(press(key).defaultPrevented).toBe(false);
});

test.each([{ altKey: true }, { ctrlKey: true }, { metaKey: true }])(
  "%j is left to the browser",
  (held) => {
    show();
    const last = show();
    last.focus();
    expect(press("ArrowUp", held).defaultPrevented).toBe(false);
    expect(document.activeElement).toBe(last);
  },
);

test("choices that are closed are not walked to", () => {
  const node = aQuestion();
  const next = show();
  button("a").click();
  node.focus();
  press("ArrowDown");
  expect(document.activeElement).toBe(next);
});

test("the button that was just pressed keeps the focus, and the walk goes on from there", () => {
  const node = aQuestion();
  const next = show();
  button("a").focus();
  button("a").click();
  expect(document.activeElement).toBe(button("a"));
  press("ArrowDown");
  expect(document.activeElement).toBe(next);
  press("ArrowUp");
  expect(document.activeElement).toBe(node);
});

test("a new message takes the tab stop, but not from who is walking", () => {
  const first = show();
  const second = show();
  expect(tabStops()).toEqual([second]);
  first.focus();
  show();
  expect(document.activeElement).toBe(first);
  expect(tabStops()).toEqual([first]);
  first.blur();
  const fourth = show();
  expect(tabStops()).toEqual([fourth]);
});

test("a message that is shown again while it has the focus keeps it", () => {
  show({ id: "x", role: "visitor" }, true).focus();
  const node = show({ id: "x", role: "visitor" });
  expect(document.activeElement).toBe(node);
  expect(tabStops()).toEqual([node]);
});

test("the area that scrolls is no tab stop of its own", () => {
  const node = show();
  expect(transcript.root.getAttribute("tabindex")).toBe("-1");
  transcript.root.focus(); // as a click beside the messages does
  expect(tabStops()).toEqual([node]);
});

test("after everything was cleared the next message has the tab stop", () => {
  show().focus();
  transcript.clear();
  expect(tabStops()).toEqual([]);
  expect(tabStops()).toEqual([]);
  const node = show();
  expect(tabStops()).toEqual([node]);
});

// Choices

test("a choice that is good once closes those beside it, and says that it was chosen", () => {
  aQuestion();
  button("b").click();
  expect(said.choice).toHaveBeenCalledWith({ id: "b", title: "b" });
  expect(closed()).toEqual(["a", "b"]);
  expect(chosen()).toEqual(["b"]);
  expect(button("b").textContent).toBe("b chosen");
  expect(transcript.root.querySelector(".back")?.getAttribute("aria-disabled")).toBe("true");
});

test("a closed choice does nothing", () => {
  aQuestion();
  button("a").click();
  button("a").click();
  button("b").click();
  transcript.root.querySelector<HTMLElement>(".back")?.click();
  expect(said.choice).toHaveBeenCalledTimes(1);
  expect(said.back).not.toHaveBeenCalled();
});

test.each(["text", "faq", "result", "coaches", "notice"] as const)(
  "a choice of a %s can be made again",
  (kind) => {
    show({ kind, choices: [{ id: "a", title: "A" }] });
    button("a").click();
    button("a").click();
    expect(said.choice).toHaveBeenCalledTimes(2);
    expect(closed()).toEqual([]);
  },
);

test.each(["question", "form", "clarify"] as const)("a choice of a %s is good once", (kind) => {
  show({ kind, choices: [{ id: "a", title: "A" }] });
  button("a").click();
  button("a").click();
  expect(said.choice).toHaveBeenCalledTimes(1);
});

test("the way back is taken once, and closes the choices", () => {
  aQuestion();
  const back = transcript.root.querySelector<HTMLElement>(".back");
  back?.click();
  back?.click();
  expect(said.back).toHaveBeenCalledTimes(1);
  expect(closed()).toEqual(["a", "b"]);
  expect(chosen()).toEqual([]);
});

test("a choice that the history tells as used is closed", () => {
  aQuestion({
    choices: [
      { id: "a", title: "a", used: true },
      { id: "b", title: "b" },
    ],
  });
  expect(closed()).toEqual(["a", "b"]);
  expect(chosen()).toEqual(["a"]);
});

test("a choice that was made in another tab is closed when its message comes", () => {
  aQuestion();
  show({ role: "visitor", choice: "a", text: "a" });
  expect(closed()).toEqual(["a", "b"]);
  expect(chosen()).toEqual(["a"]);
});

test("a choice of a message that is not shown, or with odd characters, is no failure", () => {
  show({ role: "visitor", choice: 'x"] *', text: "a" });
  transcript.markUsed("y");
  transcript.reopen("z");
  expect(closed()).toEqual([]);
});

test("a question that is shown again knows which choice was made", () => {
  aQuestion({ id: "q" });
  show({ role: "visitor", choice: "qa", text: "a" });
  aQuestion({ id: "q" });
  expect(closed()).toEqual(["qa", "qb"]);
  expect(chosen()).toEqual(["qa"]);
});

test("a choice that is refused is open again, with those beside it", () => {
  aQuestion();
  button("a").click();
  transcript.reopen("a");
  expect(closed()).toEqual([]);
  expect(chosen()).toEqual([]);
  expect(button("a").textContent?.trim()).toBe("a");
  button("b").click();
  expect(said.choice).toHaveBeenCalledTimes(2);
});

test("when another tab was faster, its choice is the one that was made", () => {
  aQuestion();
  button("b").click();
  show({ role: "visitor", choice: "a", text: "a" });
  expect(chosen()).toEqual(["a"]);
  transcript.reopen("b"); // refused: the question is answered already
  expect(closed()).toEqual(["a", "b"]);
  expect(chosen()).toEqual(["a"]);
});

test("when another tab made the same choice, it stays made", () => {
  aQuestion();
  button("a").click();
  show({ role: "visitor", choice: "a", text: "a" });
  transcript.reopen("a");
  expect(closed()).toEqual(["a", "b"]);
});

test("when the assistant gave up, the choice that it did not answer can be made again", () => {
  aQuestion();
  button("a").click();
  show({ role: "visitor", choice: "a", text: "a" });
  show({ kind: "notice", text: "Sorry, please send it again." });
  expect(closed()).toEqual([]);
  button("a").click();
  expect(said.choice).toHaveBeenCalledTimes(2);
  show({ role: "visitor", choice: "a", text: "a" });
  expect(closed()).toEqual(["a", "b"]);
});

test("when the assistant gave up on something else, what was answered stays closed", () => {
  aQuestion({ id: "q" });
  show({ role: "visitor", choice: "qa", text: "a" });
  aQuestion({ id: "r" });
  show({ role: "visitor", text: "what?" });
  show({ kind: "notice", text: "Sorry, please send it again." });
  expect(closed()).toEqual(["qa", "qb"]);
});

test("when the assistant gave up on what was said before a choice, the choice stays made", () => {
  aQuestion();
  show({ role: "visitor", text: "what?" });
  button("a").click();
  show({ role: "visitor", text: "a" }, true);
  show({ kind: "notice", text: "Sorry, please send it again." });
  expect(chosen()).toEqual(["a"]);
});

test("when the assistant gave up on the way back, it can be taken again", () => {
  aQuestion();
  transcript.root.querySelector<HTMLElement>(".back")?.click();
  show({ role: "visitor", text: "Previous question" });
  show({ kind: "notice", text: "Sorry, please send it again." });
  transcript.root.querySelector<HTMLElement>(".back")?.click();
  expect(said.back).toHaveBeenCalledTimes(2);
});

// Scrolling

/** As if the messages were `height` high in a window of 200, of which one sees what is at `top`. */
function scrollTo(height: number, top: number): void {
  for (const [name, value] of Object.entries({
    scrollHeight: height,
    clientHeight: 200,
    scrollTop: top,
  })) {
    Object.defineProperty(transcript.root, name, { value, writable: true, configurable: true });
  }
  transcript.root.dispatchEvent(new Event("scroll"));
}

test("who is at the end sees new messages", () => {
  show({ role: "visitor" });
  Object.defineProperty(transcript.root.querySelector("article"), "offsetTop", { value: 900 });
  scrollTo(1000, 800);
  show();
  expect(transcript.root.scrollTop).toBe(800);
  expect(transcript.toNewest.hidden).toBe(true);
});

test("who reads further up is told that there is more, and can go there", () => {
  show({ role: "visitor" });
  Object.defineProperty(transcript.root.querySelector("article"), "offsetTop", { value: 900 });
  scrollTo(1000, 100);
  show();
  expect(transcript.root.scrollTop).toBe(100);
  expect(transcript.toNewest.hidden).toBe(false);
  transcript.toNewest.click();
  expect(transcript.root.scrollTop).toBe(1000);
  expect(transcript.toNewest.hidden).toBe(true);
});

test("who says something sees it, wherever one was", () => {
  show();
  scrollTo(1000, 100);
  show({ role: "visitor" }, true);
  expect(transcript.toNewest.hidden).toBe(true);
});

test("the arrival of what one said moves nobody who has gone to read further up", () => {
  show({ id: "x", role: "visitor" }, true);
  Object.defineProperty(transcript.root.querySelector("article"), "offsetTop", { value: 900 });
  scrollTo(1000, 100);
  show({ id: "x", role: "visitor" });
  expect(transcript.root.scrollTop).toBe(100);
  expect(transcript.toNewest.hidden).toBe(true); // there is nothing new
});

test("what grows below the messages hides nothing from who is at the end", () => {
  show();
  scrollTo(1000, 800);
  Object.defineProperty(transcript.root, "clientHeight", { value: 150 });
  Object.defineProperty(transcript.root.querySelector("article"), "offsetTop", { value: 900 });
  resizeAll();
  expect(transcript.root.scrollTop).toBe(850);
});

test("a new conversation is followed, wherever one was in the old one", () => {
  show({ role: "visitor" });
  Object.defineProperty(transcript.root.querySelector("article"), "offsetTop", { value: 900 });
  scrollTo(1000, 0);
  transcript.clear();
  show();
  expect(transcript.toNewest.hidden).toBe(true);
});

// What was said of an answer

test("a thumb is pressed, changed and let go of in its place, without moving the focus", () => {
  const node = show({ kind: "faq", faq: { id: "cost", sources: [] } });
  const [up, down] = [...node.querySelectorAll<HTMLElement>(".thumb")];
  const states = () => [up, down].map((thumb) => thumb?.getAttribute("aria-pressed"));
  up?.focus();
  up?.click();
  expect(states()).toEqual(["true", "false"]);
  down?.click();
  expect(states()).toEqual(["false", "true"]);
  down?.click();
  expect(states()).toEqual(["false", "false"]);
  expect(said.rate.mock.calls.map(([, helpful]) => helpful)).toEqual([true, false, null]);
  expect(document.activeElement).toBe(up);
  expect(node.isConnected).toBe(true);
});
