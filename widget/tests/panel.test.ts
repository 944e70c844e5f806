import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { h } from "../src/dom";
import { Panel } from "../src/panel";
import { wordsOf } from "../src/words";
import { screen } from "./browser";

const pressed = {
  send: vi.fn(),
  typed: vi.fn(),
  close: vi.fn(),
  language: vi.fn(),
  restart: vi.fn(),
  forget: vi.fn(),
  download: vi.fn(),
};
let limit: number;
let panel: Panel;

beforeEach(() => {
  vi.clearAllMocks();
  limit = 100;
  panel = new Panel(pressed, h("div", { class: "log" }), h("button"), h("div"), () => limit);
  panel.relabel("en");
  const host = h("div");
  host.attachShadow({ mode: "open" }).append(panel.root);
  document.body.append(host);
});
afterEach(() => {
  screen.phone = false;
  vi.restoreAllMocks();
  document.body.replaceChildren();
});

function find(selector: string): HTMLElement {
  const found = panel.root.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`no ${selector}`);
  return found;
}

function button(words: string): HTMLElement {
  const all = [...panel.root.querySelectorAll("button")];
  const found = all.find((one) => (one.getAttribute("aria-label") ?? one.textContent) === words);
  if (!found) throw new Error(`no button « ${words} »`);
  return found;
}

function write(text: string): void {
  panel.input.value = text;
  panel.input.dispatchEvent(new Event("input"));
}

function press(on: HTMLElement, key: string, init: KeyboardEventInit = {}): KeyboardEvent {
  const options = { key, bubbles: true, cancelable: true, composed: true, ...init };
  const event = new KeyboardEvent("keydown", options);
  on.dispatchEvent(event);
  return event;
}

function focused(): Element | null {
  return (panel.root.getRootNode() as ShadowRoot).activeElement;
}

// Opening

test("it opens beside the page, and takes the focus to the field when that is wanted", () => {
  const beside = vi.spyOn(panel.root, "show");
  panel.show(true);
  expect(beside).toHaveBeenCalledOnce();
  expect(panel.root.open).toBe(true);
  expect(focused()).toBe(panel.input);
});

test("it leaves the focus where it is when nobody asked for it", () => {
  const field = h("input");
  document.body.append(field);
  field.focus();
  panel.show(false);
  expect(document.activeElement).toBe(field);
});

test("on a phone it is a page of its own", () => {
  screen.phone = true;
  const alone = vi.spyOn(panel.root, "showModal");
  panel.show(true);
  expect(alone).toHaveBeenCalledOnce();
});

test("open already, it is not opened again", () => {
  panel.show(true);
  const again = vi.spyOn(panel.root, "show");
  panel.show(true);
  expect(again).not.toHaveBeenCalled();
});

test("it ends where an on-screen keyboard begins, for as long as it is open", () => {
  panel.show(true);
  for (const [change, height] of [
    ["resize", 300],
    ["scroll", 320],
  ] as const) {
    Object.assign(screen.viewport, { height, offsetTop: 40 });
    screen.viewport.dispatchEvent(new Event(change));
    expect(panel.root.style.getPropertyValue("--_seen")).toBe(`${height}px`);
    expect(panel.root.style.getPropertyValue("--_seen-top")).toBe("40px");
  }
  panel.hide();
  expect(panel.root.open).toBe(false);
  screen.viewport.height = 600;
  screen.viewport.dispatchEvent(new Event("resize"));
  screen.viewport.dispatchEvent(new Event("scroll"));
  expect(panel.root.style.getPropertyValue("--_seen")).toBe("320px");
});

test("a browser that knows no such keyboard is none the worse", () => {
  vi.spyOn(window, "visualViewport", "get").mockReturnValue(null);
  panel.show(true);
  panel.hide();
  expect(panel.root.style.getPropertyValue("--_seen")).toBe("");
});

// Writing

test("Enter sends what was written, as it was written, and empties the field", () => {
  write(" Hello\nthere ");
  expect(press(panel.input, "Enter").defaultPrevented).toBe(true);
  expect(pressed.send).toHaveBeenCalledExactlyOnceWith(" Hello\nthere ");
  expect(panel.input.value).toBe("");
  expect(pressed.typed).toHaveBeenLastCalledWith("");
});

test("so does the button", () => {
  write("Hello");
  button("Send").click();
  expect(pressed.send).toHaveBeenCalledExactlyOnceWith("Hello");
});

test("Shift and Enter begin a new line", () => {
  write("Hello");
  expect(press(panel.input, "Enter", { shiftKey: true }).defaultPrevented).toBe(false);
  expect(pressed.send).not.toHaveBeenCalled();
});

test("Enter that ends the composition of a character sends nothing", () => {
  write("Hello");
  expect(press(panel.input, "Enter", { isComposing: true }).defaultPrevented).toBe(false);
  expect(pressed.send).not.toHaveBeenCalled();
});

test.each(["", "  \n "])("what is blank is not sent: %j", (text) => {
  write(text);
  press(panel.input, "Enter");
  expect(pressed.send).not.toHaveBeenCalled();
  expect(panel.input.value).toBe(text);
});

test("what is typed is told as it is typed", () => {
  write("Hel");
  expect(pressed.typed).toHaveBeenLastCalledWith("Hel");
});

test("a text that is too long is not sent, is kept, and a sentence says why", () => {
  write("x".repeat(101));
  press(panel.input, "Enter");
  expect(pressed.send).not.toHaveBeenCalled();
  expect(panel.input.value).toHaveLength(101);
  expect(find("#count").textContent).toBe(
    "The message is longer than 100 characters. Shorten it, then send it.",
  );
  expect(find("#count").getAttribute("role")).toBe("alert");
  expect(panel.input.getAttribute("aria-invalid")).toBe("true");
  expect(panel.input.getAttribute("aria-describedby")).toBe("count");
});

test("shortened, it is sent", () => {
  write("x".repeat(101));
  write("x".repeat(100));
  expect(find("#count").hasAttribute("role")).toBe(false);
  expect(panel.input.getAttribute("aria-invalid")).toBe("false");
  press(panel.input, "Enter");
  expect(pressed.send).toHaveBeenCalledOnce();
});

test("that a text is too long is said once, not at every letter", () => {
  write("x".repeat(101));
  const sentence = find("#count").firstChild;
  write("x".repeat(102));
  expect(find("#count").firstChild).toBe(sentence);
});

test("the length is counted in characters, as the front door does, not in halves of them", () => {
  write("😀".repeat(100));
  press(panel.input, "Enter");
  expect(pressed.send).toHaveBeenCalledOnce();
});

test("the count is shown when the limit is near, and not before", () => {
  write("x".repeat(90));
  expect(find("#count").textContent).toBe("");
  write("x".repeat(91));
  expect(find("#count").textContent).toBe("91 / 100");
});

test("the limit is the one of now", () => {
  write("x".repeat(50));
  limit = 40;
  press(panel.input, "Enter");
  expect(pressed.send).not.toHaveBeenCalled();
});

test("a text is put back, but not over what is being written", () => {
  panel.restore("one");
  expect(panel.input.value).toBe("one");
  panel.restore("two");
  expect(panel.input.value).toBe("one");
});

test("the field is as high as its text, also when that was put there before it could be seen", () => {
  panel.restore("one\ntwo\nthree");
  vi.spyOn(panel.input, "scrollHeight", "get").mockReturnValue(96);
  panel.show(true);
  expect(panel.input.style.height).toBe("98px");
  write("one");
  expect(panel.input.style.height).toBe("98px");
});

// Closing

test("Escape closes, wherever the focus is in it, and the page does not hear of it", () => {
  const heard = vi.fn();
  document.addEventListener("keydown", heard);
  expect(press(find(".log"), "Escape").defaultPrevented).toBe(true);
  expect(pressed.close).toHaveBeenCalledOnce();
  expect(heard).not.toHaveBeenCalled();
  document.removeEventListener("keydown", heard);
});

test("Escape that ends the composition of a character closes nothing", () => {
  press(panel.input, "Escape", { isComposing: true });
  expect(pressed.close).not.toHaveBeenCalled();
});

test("the browser's own way to close it, as a phone's back button, is ours", () => {
  const event = new Event("cancel", { cancelable: true });
  panel.root.dispatchEvent(event);
  expect(event.defaultPrevented).toBe(true);
  expect(pressed.close).toHaveBeenCalledOnce();
});

// Tools

test("each button does what it says", () => {
  button("Close").click();
  button("Français").click();
  button("Start over: new conversation").click();
  button("Download the conversation").click();
  for (const done of [pressed.close, pressed.language, pressed.restart, pressed.download]) {
    expect(done).toHaveBeenCalledOnce();
  }
  expect(pressed.forget).not.toHaveBeenCalled();
});

test("before anything is forgotten, it asks, with the focus on keeping", () => {
  button("Forget this conversation").click();
  expect(pressed.forget).not.toHaveBeenCalled();
  expect(find(".asking").hidden).toBe(false);
  expect(focused()).toBe(button("No, keep it"));
  expect(find(".asking").getAttribute("aria-labelledby")).toBe(find(".asking p").id);
});

test("yes forgets, and the focus is back on the button", () => {
  button("Forget this conversation").click();
  button("Yes, erase everything").click();
  expect(pressed.forget).toHaveBeenCalledOnce();
  expect(find(".asking").hidden).toBe(true);
  expect(focused()).toBe(button("Forget this conversation"));
});

test.each(["no", "Escape"])("%s keeps everything, and the panel stays open", (way) => {
  button("Forget this conversation").click();
  if (way === "no") button("No, keep it").click();
  else press(button("No, keep it"), "Escape");
  expect(pressed.forget).not.toHaveBeenCalled();
  expect(pressed.close).not.toHaveBeenCalled();
  expect(find(".asking").hidden).toBe(true);
  expect(focused()).toBe(button("Forget this conversation"));
});

// What it shows

test("everything on it changes language", () => {
  write("x".repeat(101));
  panel.relabel("fr");
  expect(find("#title").textContent).toBe(wordsOf("fr").title);
  expect(button("Fermer").title).toBe("Fermer");
  expect(button("English").lang).toBe("en");
  expect(find("label").textContent).toBe("Votre message");
  expect(find("label").getAttribute("for")).toBe(panel.input.id);
  expect(find("#count").textContent).toContain("dépasse 100 caractères");
  for (const key of ["restartHelp", "forgetHelp", "downloadHelp"] as const) {
    expect(button(wordsOf("fr")[key]).textContent).toBe(
      wordsOf("fr")[key.replace("Help", "") as "forget"],
    );
  }
});

test("it is named by its title", () => {
  const ids = panel.root.getAttribute("aria-labelledby")?.split(" ") ?? [];
  expect(ids.map((id) => find(`#${id}`).textContent)).toContain(wordsOf("en").title);
});

test("typing is shown to the eye only", () => {
  expect(find(".typing").hidden).toBe(true);
  vi.useFakeTimers();
  panel.setTyping(true);
  vi.runAllTimers();
  vi.useRealTimers();
  expect(find(".typing").hidden).toBe(false);
  expect(find(".typing").getAttribute("aria-hidden")).toBe("true");
});

test("how things stand is told to screen readers, with a way to reach somebody when there is one", () => {
  panel.setStatus("You are offline.", h("a", { href: "https://example.org/contact" }, "Reach us"));
  expect(find(".status").getAttribute("role")).toBe("status");
  expect(find(".status").textContent).toBe("You are offline. Reach us");
  panel.setStatus("", h("a"));
  expect(find(".status").textContent).toBe("");
  expect(panel.root.querySelector(".status a")).toBeNull();
});

test.each([
  [365, "The conversation is kept for 365 days and the program's team may read it."],
  [0, "The conversation is kept until you erase it and the program's team may read it."],
  [null, "The conversation is kept and the program's team may read it."],
])("before anything is said, it says what is kept: %s days", (days, sentence) => {
  panel.setConsent({ days, privacy: "https://door.example/privacy" }, wordsOf("en"));
  expect(find(".consent").textContent).toBe(`${sentence} Privacy (new tab)`);
  const link = find(".consent a") as HTMLAnchorElement;
  expect([link.href, link.target, link.rel]).toEqual([
    "https://door.example/privacy",
    "_blank",
    "noopener",
  ]);
});

test("afterwards that line is gone", () => {
  panel.setConsent(null, wordsOf("en"));
  expect(find(".consent").hidden).toBe(true);
});

test("who answers is said under the title, in the language that is spoken", () => {
  const said = () => find(".subtitle").textContent;
  panel.setPerson("Ann Roy");
  expect(said()).toBe("You are talking with Ann Roy, from the team");
  panel.relabel("fr");
  expect(said()).toBe("Vous parlez avec Ann Roy, de l'équipe");
  panel.setPerson("");
  expect(said()).toBe(wordsOf("fr").subtitle);
});
