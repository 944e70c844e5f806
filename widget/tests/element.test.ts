import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MobilisChat } from "../src/element";
import type { Message } from "../src/message";
import { type Language, wordsOf } from "../src/words";
import { FakeEventSource, FakeLocks, screen, setHidden, setLocks, setOnline } from "./browser";
import { DOOR, FrontDoor } from "./door";

customElements.define("mobilis-chat", MobilisChat);

const EN = wordsOf("en");
const FR = wordsOf("fr");
let door: FrontDoor;
let told: { name: string; detail: Record<string, unknown> }[];

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sessionStorage.clear();
  document.documentElement.lang = "fr";
  MobilisChat.home = `${DOOR}/`;
  setLocks(new FakeLocks());
  door = new FrontDoor();
  told = [];
  for (const name of ["open", "close", "message", "result", "lead"]) {
    document.addEventListener(`mobilis:${name}`, note);
  }
});
afterEach(() => {
  document.body.replaceChildren();
  for (const name of ["open", "close", "message", "result", "lead"]) {
    document.removeEventListener(`mobilis:${name}`, note);
  }
  FakeEventSource.forget();
  screen.phone = false;
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function note(event: Event): void {
  told.push({ name: event.type, detail: (event as CustomEvent).detail });
}

function names(): string[] {
  return told.map(({ name }) => name);
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

function aChat(data: Record<string, string> = {}): MobilisChat {
  const chat = document.createElement("mobilis-chat") as MobilisChat;
  Object.assign(chat.dataset, data);
  document.body.append(chat);
  return chat;
}

async function anOpenChat(language: Language = "en"): Promise<MobilisChat> {
  const chat = aChat({ language });
  chat.open();
  await pass(0);
  return chat;
}

function inside(chat: MobilisChat, selector: string): HTMLElement {
  const found = chat.shadowRoot?.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`no ${selector}`);
  return found;
}

function launcher(chat: MobilisChat): HTMLElement {
  return inside(chat, ".launcher");
}

function status(chat: MobilisChat): string {
  return inside(chat, ".status").textContent ?? "";
}

function texts(chat: MobilisChat): string[] {
  return [...(chat.shadowRoot?.querySelectorAll("article") ?? [])].map(
    (node) => node.querySelector("p:not(.who, .hidden, .state)")?.textContent ?? "",
  );
}

function press(chat: MobilisChat, label: string): void {
  const all = [...(chat.shadowRoot?.querySelectorAll("button") ?? [])];
  const found = all.find((one) => (one.getAttribute("aria-label") ?? one.textContent) === label);
  if (!found) throw new Error(`no button « ${label} »`);
  found.click();
}

function write(chat: MobilisChat, text: string): void {
  const field = inside(chat, "textarea") as HTMLTextAreaElement;
  field.value = text;
  field.dispatchEvent(new Event("input"));
  field.dispatchEvent(
    new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }),
  );
}

function focused(chat: MobilisChat): Element | null {
  return document.activeElement === chat ? (chat.shadowRoot?.activeElement ?? null) : null;
}

function aLink(href = "https://example.org/contact"): HTMLAnchorElement {
  const link = document.createElement("a");
  link.href = href;
  link.dataset.mobilisFallback = "";
  document.body.append(link);
  return link;
}

// Before it is opened

test("before it is opened it asks for nothing, and keeps nothing", async () => {
  aChat();
  await pass(60_000);
  expect(door.asked).toEqual([]);
  expect(FakeEventSource.all).toEqual([]);
  expect(localStorage).toHaveLength(0);
});

test("its looks are a style sheet of its own, not style elements or attributes", () => {
  const chat = aChat();
  expect(chat.shadowRoot?.adoptedStyleSheets).toHaveLength(1);
  expect(chat.shadowRoot?.querySelector("style, link, [style*=color]")).toBeNull();
});

test("the launcher is a button that says what it opens, and whether it is open", () => {
  const chat = aChat({ language: "en" });
  expect(launcher(chat).localName).toBe("button");
  expect(launcher(chat).textContent).toBe(EN.launch);
  expect(launcher(chat).getAttribute("aria-expanded")).toBe("false");
  expect(launcher(chat).getAttribute("aria-controls")).toBe(inside(chat, "dialog").id);
  launcher(chat).click();
  expect(launcher(chat).getAttribute("aria-expanded")).toBe("true");
  launcher(chat).click();
  expect(launcher(chat).getAttribute("aria-expanded")).toBe("false");
});

test("without a front door it says so to the developer, and does nothing to the page", () => {
  const complaint = vi.spyOn(console, "error").mockReturnValue();
  MobilisChat.home = "";
  const link = aLink();
  const chat = aChat();
  expect(complaint).toHaveBeenCalledOnce();
  expect(chat.shadowRoot).toBeNull();
  expect(link.style.visibility).toBe("");
  chat.open();
  chat.send("hello");
  chat.close();
  chat.remove();
  expect(chat.isOpen).toBe(false);
});

test("outside of a page its methods do nothing", () => {
  const chat = document.createElement("mobilis-chat") as MobilisChat;
  chat.open("help");
  chat.send("hello");
  chat.close();
  expect(chat.isOpen).toBe(false);
});

test("the front door may be elsewhere than the script", async () => {
  aChat({ server: "https://other.example/chat/" }).open();
  await pass(0);
  expect(FakeEventSource.latest.url).toMatch(
    /^https:\/\/other\.example\/chat\/api\/conversations\//,
  );
});

// Language

test.each([
  ["en", "fr", "en"],
  ["fr-CA", "en", "fr"],
  ["auto", "en-CA", "en"],
  ["", "fr", "fr"],
  ["de", "fr", "fr"],
])("with data-language « %s » on a page in « %s » it speaks « %s »", (wanted, page, expected) => {
  document.documentElement.lang = page;
  const chat = aChat({ language: wanted });
  expect(launcher(chat).textContent).toBe(wordsOf(expected as Language).launch);
  expect(chat.lang).toBe(expected);
});

test("on a page that tells no language it speaks the browser's, or else French", () => {
  document.documentElement.lang = "";
  const browser = vi.spyOn(navigator, "language", "get").mockReturnValue("en-GB");
  expect(aChat().lang).toBe("en");
  browser.mockReturnValue("de");
  expect(aChat().lang).toBe("fr");
});

test("a page that changes its mind before it is opened is followed", () => {
  const chat = aChat({ language: "fr" });
  chat.dataset.language = "en";
  expect(launcher(chat).textContent).toBe(EN.launch);
});

test("once there is a conversation, it has the language", async () => {
  const chat = await anOpenChat("en");
  chat.dataset.language = "fr";
  expect(chat.lang).toBe("en");
});

test("another accent changes nothing of the language that the visitor has chosen", async () => {
  door.hold("open");
  const chat = aChat({ language: "fr" });
  chat.open();
  press(chat, FR.other);
  chat.dataset.accent = "#ff0000";
  expect(chat.lang).toBe("en");
});

test("a conversation in another language than the page's brings its language along", async () => {
  (await anOpenChat("en")).remove();
  sessionStorage.clear();
  const chat = aChat({ language: "fr" });
  expect(launcher(chat).textContent).toBe(FR.launch);
  chat.open();
  await pass(0);
  expect(launcher(chat).textContent).toBe(EN.launch);
  expect(inside(chat, "#title").textContent).toBe(EN.title);
});

test("before anything was said, the switch begins in the other language", async () => {
  const chat = await anOpenChat("fr");
  press(chat, FR.other);
  expect(chat.lang).toBe("en");
  await pass(0);
  expect(texts(chat)).toEqual(["Hello."]);
  expect([...door.conversations.keys()]).toEqual(["c2"]);
});

test("after something was said, the switch asks for the other language", async () => {
  const chat = await anOpenChat("fr");
  write(chat, "Allô");
  press(chat, FR.other);
  await pass(0);
  expect(door.said()).toEqual(["Allô", "switch_language/en"]);
  expect(chat.lang).toBe("en");
  expect(door.conversations.size).toBe(1);
});

test("while an earlier conversation is taken up, the switch does not throw it away", async () => {
  const first = await anOpenChat("fr");
  write(first, "Allô");
  await pass(0);
  first.remove();
  sessionStorage.clear();
  const held = door.hold("history");
  const chat = aChat({ language: "fr" });
  chat.open();
  await pass(0);
  press(chat, FR.other);
  held.release();
  await pass(0);
  expect([...door.conversations.keys()]).toEqual(["c1"]);
  expect(door.said()).toEqual(["Allô", "switch_language/en"]);
});

// Opening and closing

test("on opening the focus is in the field, and the page is told", async () => {
  const chat = aChat();
  chat.open();
  expect(chat.isOpen).toBe(true);
  expect(focused(chat)).toBe(inside(chat, "textarea"));
  expect(told).toEqual([{ name: "mobilis:open", detail: {} }]);
});

test("open already, it does not open again, and the focus goes to the field", async () => {
  const chat = await anOpenChat();
  const button = document.createElement("button");
  document.body.append(button);
  button.focus();
  chat.open();
  await pass(0);
  expect(chat.shadowRoot?.activeElement?.id).toBe("text");
  expect(names().filter((name) => name === "mobilis:open")).toHaveLength(1);
  expect(door.count("open")).toBe(1);
});

test("closed, it gives the focus back to what opened it, and the page is told", async () => {
  const button = document.createElement("button");
  document.body.append(button);
  const chat = aChat();
  button.focus();
  chat.open();
  chat.close();
  expect(document.activeElement).toBe(button);
  expect(chat.isOpen).toBe(false);
  expect(names()).toEqual(["mobilis:open", "mobilis:close"]);
  chat.close();
  expect(names()).toHaveLength(2);
});

test.each(["launcher", "page", "gone", "disabled"])(
  "closed, it gives the focus to the launcher when opened by: %s",
  async (by) => {
    const chat = aChat();
    const button = document.createElement("button");
    document.body.append(button);
    if (by === "launcher") launcher(chat).focus();
    else if (by !== "page") button.focus();
    chat.open();
    if (by === "gone") button.remove();
    if (by === "disabled") button.disabled = true;
    chat.close();
    expect(focused(chat)).toBe(launcher(chat));
  },
);

test("Escape closes it", async () => {
  const chat = await anOpenChat();
  const init = { key: "Escape", bubbles: true, cancelable: true, composed: true };
  inside(chat, "textarea").dispatchEvent(new KeyboardEvent("keydown", init));
  expect(chat.isOpen).toBe(false);
});

test("on the next page of the same tab it is as it was left", async () => {
  const chat = await anOpenChat();
  chat.remove();
  const next = aChat();
  expect(next.isOpen).toBe(true);
  expect(document.activeElement).toBe(document.body);
  next.close();
  next.remove();
  expect(aChat().isOpen).toBe(false);
});

test("what is typed and not sent is there on the next page", async () => {
  const chat = await anOpenChat();
  const field = inside(chat, "textarea") as HTMLTextAreaElement;
  field.value = "Bonj";
  field.dispatchEvent(new Event("input"));
  chat.remove();
  expect((inside(aChat(), "textarea") as HTMLTextAreaElement).value).toBe("Bonj");
});

test.each(["", "true"])(
  "with data-open « %s » it is open when the page loads, without the focus",
  (open) => {
    expect(aChat({ open }).isOpen).toBe(true);
    expect(document.activeElement).toBe(document.body);
  },
);

test.each([undefined, "false"])("with data-open %s it is not", (open) => {
  expect(aChat(open === undefined ? {} : { open }).isOpen).toBe(false);
});

test("with data-open the visitor's closing it counts for the tab", () => {
  const chat = aChat({ open: "true" });
  chat.close();
  chat.remove();
  expect(aChat({ open: "true" }).isOpen).toBe(false);
});

test("with an intent it opens on that, once the conversation is open", async () => {
  aChat({ open: "start_assessment" });
  await pass(0);
  expect(door.asked.map(({ what }) => what)).toEqual(["open", "send"]);
  expect(door.said()).toEqual(["start_assessment"]);
});

test("an element that is moved in the page goes on, and does not ask for its intent again", async () => {
  const chat = aChat({ open: "start_assessment" });
  await pass(0);
  const place = document.createElement("div");
  document.body.append(place);
  place.append(chat);
  await pass(0);
  expect(chat.isOpen).toBe(true);
  expect(door.said()).toEqual(["start_assessment"]);
  expect(door.listeners("c1")).toHaveLength(1);
  door.say("c1", { text: "news" });
  expect(texts(chat)).toContain("news");
});

test("an element that was closed and is moved stays closed", async () => {
  const chat = aChat({ open: "start_assessment" });
  chat.close();
  const place = document.createElement("div");
  document.body.append(place);
  place.append(chat);
  expect(chat.isOpen).toBe(false);
});

test("taken out of the page, it stops: no timers, no listeners, no events", async () => {
  const chat = await anOpenChat();
  write(chat, "one");
  await pass(0);
  chat.remove();
  await pass(60_000);
  told.length = 0;
  setOnline(false);
  setOnline(true);
  setHidden(true);
  setHidden(false);
  await pass(60_000);
  expect(FakeEventSource.listening).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  expect(told).toEqual([]);
  expect(chat.isOpen).toBe(false);
  chat.open();
  expect(chat.isOpen).toBe(false);
});

test("an intent, or a text, is said with the panel open", async () => {
  const chat = aChat();
  chat.open("find_coach");
  await pass(0);
  chat.close();
  chat.send("Hello");
  expect(chat.isOpen).toBe(true);
  await pass(0);
  expect(door.said()).toEqual(["find_coach", "Hello"]);
});

test("nothing is said when there is nothing to say", async () => {
  const chat = aChat();
  chat.send("  ");
  expect(chat.isOpen).toBe(false);
});

// The conversation

test("what is written is shown at once, sent, and answered", async () => {
  const chat = await anOpenChat();
  write(chat, "Is it free?");
  expect(texts(chat)).toEqual(["Hello.", "Is it free?"]);
  expect(inside(chat, "article.visitor").classList.contains("pending")).toBe(true);
  await pass(0);
  door.say("c1", { text: "Yes." });
  expect(inside(chat, "article.visitor").classList.contains("pending")).toBe(false);
  expect(texts(chat)).toEqual(["Hello.", "Is it free?", "Yes."]);
});

test("a new message is announced once, apart from the transcript", async () => {
  const chat = await anOpenChat();
  door.say("c1", { text: "News." });
  const live = inside(chat, "[aria-live]");
  expect([...live.children].map((line) => line.textContent)).toEqual([
    "Assistant\nHello.",
    "Assistant\nNews.",
  ]);
  expect(live.contains(inside(chat, ".log"))).toBe(false);
  expect(inside(chat, ".log").hasAttribute("aria-live")).toBe(false);
});

test("what is said of an answer is announced, and taken back at a second press", async () => {
  const chat = await anOpenChat();
  const answer = door.say("c1", { kind: "faq", faq: { id: "cost", sources: [] }, text: "Free." });
  await pass(0);
  const live = () => inside(chat, "[data-live]").lastElementChild?.textContent;
  inside(chat, ".thumb").click();
  expect(live()).toBe(EN.rated);
  await pass(0);
  expect(answer.helpful).toBe(true);
  inside(chat, ".thumb").click();
  expect(live()).toBe(EN.ratingTaken);
  await pass(0);
  expect(answer.helpful).toBeNull();
});

test("what was said before is not announced again after a reload", async () => {
  const first = await anOpenChat();
  write(first, "one");
  await pass(0);
  first.remove();
  const chat = await anOpenChat();
  expect(texts(chat)).toEqual(["Hello.", "one"]);
  expect(inside(chat, "[aria-live]").children).toHaveLength(0);
  expect(status(chat)).toBe(EN.resumed);
});

test("a choice is sent by its id, and shown by its words", async () => {
  const chat = await anOpenChat();
  door.say("c1", { kind: "question", choices: [{ id: "x1", title: "Very clear" }] });
  press(chat, "Very clear");
  await pass(0);
  expect(door.said()).toEqual(["x1"]);
  expect(inside(chat, "[data-choice=x1]").getAttribute("aria-disabled")).toBe("true");
  expect(texts(chat)).toContain("Very clear");
});

test("the way back is asked for by its name", async () => {
  const chat = await anOpenChat();
  door.say("c1", { kind: "question", question: { id: "team", number: 2, of: 5 } });
  press(chat, EN.back);
  await pass(0);
  expect(door.said()).toEqual(["go_back"]);
});

test("typing is shown while it lasts, unless that is a moment only", async () => {
  const chat = await anOpenChat();
  const typing = inside(chat, ".typing");
  FakeEventSource.latest.emit("typing", { on: true });
  await pass(399);
  expect(typing.hidden).toBe(true);
  await pass(1);
  expect(typing.hidden).toBe(false);
  FakeEventSource.latest.emit("typing", { on: false });
  expect(typing.hidden).toBe(true);
  FakeEventSource.latest.emit("typing", { on: true });
  FakeEventSource.latest.emit("typing", { on: false });
  await pass(1000);
  expect(typing.hidden).toBe(true);
});

test("what does not arrive within a second is said not to be sent yet", async () => {
  const chat = await anOpenChat();
  door.hold("send");
  write(chat, "one");
  await pass(900);
  expect(chat.shadowRoot?.querySelector(".state")).toBeNull();
  await pass(200);
  expect(inside(chat, ".state").textContent).toBe(EN.unsent);
});

test("what has reached the front door is not said to be unsent, though the stream is late", async () => {
  const chat = await anOpenChat();
  for (const source of door.listeners("c1")) source.close();
  write(chat, "one");
  await pass(2_000);
  expect(chat.shadowRoot?.querySelector(".state")).toBeNull();
});

test("a text that is refused is back in the field, with the reason beside it and above the field", async () => {
  const chat = await anOpenChat();
  door.fail("send", { status: 422, message: "The message is empty." });
  write(chat, "one");
  await pass(0);
  expect((inside(chat, "textarea") as HTMLTextAreaElement).value).toBe("one");
  expect(inside(chat, "article.failed .state").textContent).toBe("The message is empty.");
  expect(status(chat)).toBe("The message is empty.");
});

test("a refusal without a sentence has one of ours", async () => {
  const chat = await anOpenChat();
  door.fail("send", { status: 413 });
  write(chat, "one");
  await pass(0);
  expect(status(chat)).toBe(EN.failed);
});

test("a choice that is refused is open again", async () => {
  const chat = await anOpenChat();
  door.say("c1", { kind: "question", choices: [{ id: "x1", title: "Very clear" }] });
  door.fail("send", { status: 409, message: "Answered already." });
  press(chat, "Very clear");
  await pass(0);
  expect(inside(chat, "[data-choice=x1]").hasAttribute("aria-disabled")).toBe(false);
  expect((inside(chat, "textarea") as HTMLTextAreaElement).value).toBe("");
});

test("an intent that is refused is said, and leaves nothing among the messages", async () => {
  const chat = await anOpenChat();
  door.fail("send", { status: 404, message: "Unknown subject." });
  chat.open("nonsense");
  await pass(0);
  expect(status(chat)).toBe("Unknown subject.");
  expect(texts(chat)).toEqual(["Hello."]);
});

test("who of the team answers is said under the title", async () => {
  const chat = await anOpenChat();
  door.say("c1", { kind: "notice", staff: { name: "Ann Roy", state: "joined" } });
  expect(inside(chat, ".subtitle").textContent).toBe("You are talking with Ann Roy, from the team");
});

// Unread

test("messages that come while it is closed are counted on the launcher, until it is opened", async () => {
  const chat = await anOpenChat();
  chat.close();
  door.say("c1");
  expect(launcher(chat).textContent).toBe("Ask a question1, 1 new message");
  door.say("c1");
  door.say("c1", { role: "staff" });
  expect(launcher(chat).textContent).toBe("Ask a question3, 3 new messages");
  expect(inside(chat, "[aria-live]").textContent).toBe("Assistant\nHello.");
  chat.open();
  expect(launcher(chat).querySelector(".unread")).toBeNull();
});

test("what the visitor says in another tab is not unread", async () => {
  const chat = await anOpenChat();
  chat.close();
  door.say("c1", { role: "visitor" });
  expect(launcher(chat).querySelector(".unread")).toBeNull();
});

// What the page is told

test("the page is told of messages, results and leads, without the words that were said", async () => {
  await anOpenChat();
  told.length = 0;
  const secret = "my name is Ann";
  const result: Message["result"] = {
    band: "ready",
    score: 9,
    of: 15,
    gaps: ["team"],
    url: "/r/secret",
    answers: [{ question: "team", title: secret, answer: secret, points: 1, of: 3 }],
  };
  door.say("c1", { id: "m-v", role: "visitor", text: secret });
  door.say("c1", {
    id: "m-r",
    kind: "result",
    text: secret,
    result,
    choices: [{ id: "x", title: secret }],
  });
  door.say("c1", { id: "m-l", text: secret, lead: { reference: "M-1", kind: "interest" } });
  const said = { language: "en", kind: "text" };
  expect(told).toEqual([
    { name: "mobilis:message", detail: { ...said, id: "m-v", role: "visitor" } },
    { name: "mobilis:message", detail: { ...said, id: "m-r", role: "assistant", kind: "result" } },
    { name: "mobilis:result", detail: { band: "ready", score: 9, of: 15, gaps: ["team"] } },
    { name: "mobilis:message", detail: { ...said, id: "m-l", role: "assistant" } },
    { name: "mobilis:lead", detail: { reference: "M-1", kind: "interest" } },
  ]);
  expect(JSON.stringify(told)).not.toMatch(/Ann|secret/);
});

test("what was told before a reload is not told again", async () => {
  const first = await anOpenChat();
  door.say("c1", { lead: { reference: "M-1", kind: "interest" } });
  first.remove();
  told.length = 0;
  await anOpenChat();
  expect(names()).toEqual(["mobilis:open"]);
});

// How things stand

test("how the connection stands is said, with the page's own link while it is broken", async () => {
  aLink();
  const chat = await anOpenChat();
  setOnline(false);
  expect(status(chat)).toBe(`${EN.offline} ${EN.contact}`);
  expect((inside(chat, ".status a") as HTMLAnchorElement).href).toBe("https://example.org/contact");
  setOnline(true);
  await pass(0);
  expect(status(chat)).toBe(EN.online);
  await pass(6_000);
  expect(status(chat)).toBe("");
});

test("without such a link there is none", async () => {
  const chat = await anOpenChat();
  setOnline(false);
  expect(status(chat)).toBe(EN.offline);
});

test("while it connects, that is said, unless that is a moment only", async () => {
  door.hold("open");
  const chat = await anOpenChat();
  expect(status(chat)).toBe("");
  await pass(400);
  expect(status(chat)).toBe(EN.connecting);
});

test("a pause that the front door wants is said for as long as it lasts", async () => {
  const chat = await anOpenChat();
  door.fail("send", { status: 429, retryAfter: 3 });
  write(chat, "one");
  await pass(0);
  expect(status(chat)).toBe("One moment: sending goes on in 3 s.");
  await pass(3_100);
  expect(status(chat)).toBe("");
});

test("what is said for a while changes language with everything else", async () => {
  const chat = await anOpenChat("en");
  door.fail("send", { status: 429, retryAfter: 30 });
  write(chat, "one");
  await pass(0);
  door.say("c1", { language: "fr" });
  expect(status(chat)).toBe("Un instant\u00a0: l'envoi reprend dans 30 s.");
});

test("trouble with the connection takes the place of what is said for a while", async () => {
  const chat = await anOpenChat();
  press(chat, EN.restartHelp);
  await pass(0);
  expect(status(chat)).toBe(EN.restarted);
  setOnline(false);
  expect(status(chat)).toBe(EN.offline);
  await pass(10_000);
  expect(status(chat)).toBe(EN.offline);
});

// Consent

test("before anything is said, it says what is kept, with the privacy page of the language", async () => {
  const chat = aChat({ language: "en" });
  expect(inside(chat, ".consent").textContent).toContain(EN.consentUnknown);
  chat.open();
  await pass(0);
  expect(inside(chat, ".consent").textContent).toContain("365 days");
  expect((inside(chat, ".consent a") as HTMLAnchorElement).href).toBe(`${DOOR}/privacy?lang=en`);
  write(chat, "one");
  expect(inside(chat, ".consent").hidden).toBe(true);
});

test("the page may name its own privacy page", () => {
  const chat = aChat({ privacy: "https://example.org/privacy" });
  expect((inside(chat, ".consent a") as HTMLAnchorElement).href).toBe(
    "https://example.org/privacy",
  );
});

// Tools

test("starting over clears the messages, and says so", async () => {
  const chat = await anOpenChat();
  write(chat, "one");
  await pass(0);
  press(chat, EN.restartHelp);
  await pass(0);
  expect(texts(chat)).toEqual(["Hello."]);
  expect(status(chat)).toBe(EN.restarted);
  expect(inside(chat, ".consent").hidden).toBe(false);
});

test("forgetting erases, and says so", async () => {
  const chat = await anOpenChat();
  write(chat, "one");
  await pass(0);
  press(chat, EN.forgetHelp);
  press(chat, EN.forgetYes);
  await pass(0);
  expect([...door.conversations.keys()]).toEqual(["c2"]);
  expect(texts(chat)).toEqual(["Hello."]);
  expect(status(chat)).toBe(EN.erased);
});

test("when forgetting fails, that is said and everything stays", async () => {
  const chat = await anOpenChat();
  write(chat, "one");
  await pass(0);
  door.fail("erase", { status: 503 });
  press(chat, EN.forgetHelp);
  press(chat, EN.forgetYes);
  await pass(0);
  expect(texts(chat)).toEqual(["Hello.", "one"]);
  expect(status(chat)).toBe(EN.notErased);
});

test("what has failed is said first, and then that the connection is in trouble", async () => {
  const chat = await anOpenChat();
  door.fail("erase", { status: 503 });
  press(chat, EN.forgetHelp);
  press(chat, EN.forgetYes);
  await pass(0);
  setOnline(false);
  expect(status(chat)).toBe(EN.notErased);
  await pass(10_000);
  expect(status(chat)).toBe(EN.offline);
});

test("the conversation can be downloaded, and the file is let go of later", async () => {
  const chat = await anOpenChat();
  const clicked = vi.fn((event: Event) => event.preventDefault());
  const create = vi.fn(() => "blob:x");
  const revoke = vi.fn();
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (
    this: HTMLAnchorElement,
  ) {
    clicked(new Event(`${this.href} as ${this.download}`));
    expect(revoke).not.toHaveBeenCalled();
  });
  Object.assign(URL, { createObjectURL: create, revokeObjectURL: revoke });
  press(chat, EN.downloadHelp);
  await pass(0);
  expect(clicked.mock.lastCall?.[0].type).toBe("blob:x as conversation.txt");
  expect(revoke).not.toHaveBeenCalled(); // some browsers begin only then
  await pass(60_000);
  expect(revoke).toHaveBeenCalledExactlyOnceWith("blob:x");
});

test("a download that fails is said to", async () => {
  const chat = await anOpenChat();
  door.fail("transcript", "lost");
  press(chat, EN.downloadHelp);
  await pass(0);
  expect(status(chat)).toBe(EN.notDownloaded);
});

// Looks

test("an accent is applied where it can be read, and taken back", () => {
  const chat = aChat({ accent: "#fc0" });
  const style = inside(chat, ".root").style;
  expect(style.getPropertyValue("--_accent")).toBe("#ffcc00");
  expect(style.getPropertyValue("--_on-accent")).toBe("#000000");
  chat.dataset.accent = "no colour";
  expect(style.getPropertyValue("--_accent")).toBe("");
  chat.dataset.accent = "#0b5c6b";
  expect(style.getPropertyValue("--_on-accent")).toBe("#ffffff");
  delete chat.dataset.accent;
  expect(style).toHaveLength(0);
});

// The plain link

test("the page's plain link is out of the way while the chat is there, and back when it is not", () => {
  const link = aLink();
  const chat = aChat();
  expect(link.style.visibility).toBe("hidden");
  chat.remove();
  expect(link.style.visibility).toBe("");
});

test("a second chat that is taken out does not bring the plain link back beside the first", () => {
  const link = aLink();
  aChat();
  aChat().remove();
  expect(link.style.visibility).toBe("hidden");
});

test("each part that a website may style has a name", async () => {
  const chat = await anOpenChat();
  const parts = new Set<string>();
  for (const node of chat.shadowRoot?.querySelectorAll("[part]") ?? []) {
    for (const part of node.getAttribute("part")?.split(" ") ?? []) parts.add(part);
  }
  for (const part of ["launcher", "panel", "header", "log", "message", "input", "send", "footer"]) {
    expect([...parts]).toContain(part);
  }
});
