// What happens at the same time as something else: in other tabs, on a slow network, when the
// element is taken out of the page.
import { expect, test, vi } from "vitest";
import { Api } from "../src/api";
import { FakeEventSource, setHidden, setLocks, setOnline, tellStorage } from "./browser";
import { DOOR } from "./door";
import { anOpenTab, aTab, door, pass, say } from "./tab";

const SESSION = `mobilis:${DOOR}:session`;

/** What the browser does in the other tabs when one of them writes. */
async function tellOtherTabs(): Promise<void> {
  tellStorage(SESSION);
  await pass(0);
}

// Stopped, and started again

test("stopped, it listens to nothing and leaves no timer", async () => {
  const { tab, told } = await anOpenTab();
  say(tab, "one");
  await pass(0);
  tab.stop();
  const lines = told.lines.length;
  setOnline(false);
  setOnline(true);
  setHidden(true);
  setHidden(false);
  await tellOtherTabs();
  door.say("c1");
  await pass(60_000);
  expect(told.lines).toHaveLength(lines);
  expect(FakeEventSource.listening).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("stopped and started again, it goes on after what was heard last", async () => {
  const { tab, told } = await anOpenTab();
  tab.stop();
  door.say("c1", { text: "missed" });
  await tab.start();
  await pass(0);
  expect(told.of("new")).toEqual(["Bonjour.", "missed"]);
  expect(told.of("note")).toEqual([]);
  expect(door.listeners("c1")).toHaveLength(1);
  say(tab, "one");
  await pass(0);
  expect(told.onScreen).toEqual(["Bonjour.", "missed", "one"]);
});

test("stopped while it opens, it keeps what was opened for later, and does not listen", async () => {
  const { tab, told, store } = aTab();
  const held = door.hold("open");
  void tab.start();
  await pass(0);
  tab.stop();
  held.release();
  await pass(60_000);
  expect(FakeEventSource.listening).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  expect(store.session?.conversation).toBe("c1");
  await tab.start();
  await pass(0);
  expect(door.count("open")).toBe(1);
  expect(door.listeners("c1")).toHaveLength(1);
  expect(told.onScreen).toEqual(["Bonjour."]);
});

test("stopped and started within the same moment, as an element that is moved, it opens once", async () => {
  const { tab } = aTab();
  const held = door.hold("open");
  void tab.start();
  await pass(0);
  tab.stop();
  void tab.start();
  held.release();
  await pass(0);
  expect(door.count("open")).toBe(1);
  expect(door.listeners("c1")).toHaveLength(1);
});

test("stopped in a pause, it does not ask again", async () => {
  const { tab } = aTab();
  door.fail("open", "lost");
  void tab.start();
  await pass(0);
  tab.stop();
  await pass(60_000);
  expect(door.count("open")).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test("stopped while it opens, it has nothing to say of a failure", async () => {
  const { tab, told } = aTab();
  const held = door.hold("open");
  void tab.start();
  await pass(0);
  tab.stop();
  const lines = told.lines.length;
  held.release("lost");
  await pass(0);
  expect(told.lines).toHaveLength(lines);
  expect(vi.getTimerCount()).toBe(0);
});

test("stopped while it waits for its turn among the tabs, it asks for nothing", async () => {
  const first = aTab();
  const held = door.hold("open");
  void first.tab.start();
  const second = aTab();
  void second.tab.start();
  await pass(0);
  second.tab.stop();
  held.release();
  await pass(0);
  expect(door.asked.map(({ what }) => what)).toEqual(["open"]);
});

test.each([undefined, "lost", { status: 422, message: "No." }] as const)(
  "stopped while a message is on its way, it has no more to say of it: %j",
  async (failure) => {
    const { tab, told } = await anOpenTab();
    const held = door.hold("send");
    say(tab, "one");
    await pass(0);
    tab.stop();
    const lines = told.lines.length;
    held.release(failure);
    await pass(60_000);
    expect(told.lines).toHaveLength(lines);
    expect(vi.getTimerCount()).toBe(0);
  },
);

test("stopped while it forgets, what is forgotten stays so, and nothing new is opened", async () => {
  const { tab, store } = await anOpenTab();
  const held = door.hold("erase");
  const forgotten = tab.restart({ forget: true });
  await pass(0);
  tab.stop();
  held.release();
  await forgotten;
  await pass(0);
  expect(store.session).toBeNull();
  expect(door.count("open")).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

// A message on its way while its conversation ends

test("a message that arrives in a conversation that is over is not waited for in the new one", async () => {
  const { tab, told } = await anOpenTab();
  const held = door.hold("send");
  say(tab, "one");
  await pass(0);
  await tab.restart({ forget: false });
  held.release();
  await pass(60_000);
  expect(told.of("status")).not.toContain("slow");
  expect(told.onScreen).toEqual(["Bonjour."]);
});

test("an answer that is awaited is no longer so in a new conversation", async () => {
  const { tab, told } = await anOpenTab();
  say(tab, "one");
  await pass(0);
  await tab.restart({ forget: false });
  await pass(60_000);
  expect(told.of("status")).not.toContain("slow");
});

test("a message refused because its conversation was forgotten does not end the new one", async () => {
  const { tab, told, store } = await anOpenTab();
  const held = door.hold("send");
  say(tab, "one");
  await pass(0);
  await tab.restart({ forget: true });
  held.release();
  await pass(60_000);
  expect(store.session?.conversation).toBe("c2");
  expect(told.of("note")).toEqual(["erased"]);
  expect(door.said("c2")).toEqual([]);
});

test("a message that fails in a conversation that is over says nothing of the connection", async () => {
  const { tab, told } = await anOpenTab();
  const held = door.hold("send");
  say(tab, "one");
  await pass(0);
  await tab.restart({ forget: false });
  held.release("lost");
  await pass(60_000);
  expect(told.of("status").at(-1)).toBe("");
});

test("a pause that was made in the old conversation does not delay the new one", async () => {
  const { tab } = await anOpenTab();
  door.fail("send", { status: 429, retryAfter: 30 });
  say(tab, "one");
  await pass(0);
  await tab.restart({ forget: false });
  say(tab, "two");
  await pass(0);
  expect(door.said("c2")).toEqual(["two"]);
});

test("a message that gets through after failures says that the connection is back", async () => {
  const { tab, told } = await anOpenTab();
  door.fail("send", { status: 503 });
  say(tab, "one");
  await pass(0);
  expect(told.of("status").at(-1)).toBe("reconnecting");
  await pass(500);
  expect(told.of("status").at(-1)).toBe("");
});

// The conversation is gone from the front door

test("a conversation that is gone when something is said goes on in a new one, with what was said", async () => {
  const { tab, told, store } = await anOpenTab();
  door.conversations.delete("c1");
  say(tab, "one");
  await pass(0);
  expect(store.session?.conversation).toBe("c2");
  expect(door.said("c2")).toEqual(["one"]);
  expect(told.onScreen).toEqual(["Bonjour.", "one"]);
  expect(told.of("note")).toEqual(["gone"]);
});

test("a choice of a conversation that is gone is not made in the new one", async () => {
  const { tab, store } = await anOpenTab();
  door.conversations.delete("c1");
  tab.send({ choice: "x" }, "Yes");
  await pass(0);
  expect(store.pending).toEqual([]);
  expect(door.said("c2")).toEqual([]);
});

test("a conversation that is gone when the stream is lost goes on in a new one", async () => {
  const { told, store } = await anOpenTab();
  door.conversations.delete("c1");
  FakeEventSource.latest.fail();
  await pass(400);
  expect(store.session?.conversation).toBe("c2");
  expect(told.of("note")).toEqual(["gone"]);
  expect(told.onScreen).toEqual(["Bonjour."]);
});

test("the stream and a message find out together: one new conversation is opened", async () => {
  const { tab, store } = await anOpenTab();
  const held = door.hold("send");
  say(tab, "one");
  door.conversations.delete("c1");
  FakeEventSource.latest.fail();
  await pass(400);
  held.release();
  await pass(60_000);
  expect(store.session?.conversation).toBe("c2");
  expect(door.count("open")).toBe(2);
  expect(door.said("c2")).toEqual(["one"]);
});

test("earlier conversations are not lost with one that is gone", async () => {
  const { tab, store } = await anOpenTab();
  await tab.restart({ forget: false });
  door.conversations.delete("c2");
  FakeEventSource.latest.fail();
  await pass(400);
  expect(store.session?.conversation).toBe("c3");
  expect(store.past.map(({ conversation }) => conversation)).toEqual(["c1"]);
});

// Twice, or without a network

test("starting over twice at once loses no key", async () => {
  const { tab, store } = await anOpenTab();
  await Promise.all([tab.restart({ forget: false }), tab.restart({ forget: false })]);
  expect(store.past.map(({ conversation }) => conversation)).toEqual(["c1"]);
  expect(store.session?.conversation).toBe("c2");
});

test("starting over without a network, then a reload, loses no key", async () => {
  const first = await anOpenTab();
  door.fail("open", "lost");
  void first.tab.restart({ forget: false });
  await pass(0);
  first.tab.stop();
  const { tab } = await anOpenTab();
  await tab.restart({ forget: true });
  expect([...door.conversations.keys()]).toEqual(["c3"]);
});

test("starting over while the conversation is being taken up leaves it", async () => {
  const first = await anOpenTab();
  first.tab.stop();
  const { tab, told, store } = aTab();
  const held = door.hold("history");
  void tab.start();
  await pass(0);
  const restarted = tab.restart({ forget: false });
  held.release();
  await restarted;
  expect(store.session?.conversation).toBe("c2");
  expect(store.past.map(({ conversation }) => conversation)).toEqual(["c1"]);
  expect(told.of("note")).toEqual(["restarted"]);
});

test("the return of the network is noticed even if the connection never was lost", async () => {
  const { told } = await anOpenTab();
  setOnline(false);
  expect(told.of("status").at(-1)).toBe("offline");
  setOnline(true);
  await pass(0);
  expect(told.of("status").at(-1)).toBe("");
  expect(door.listeners("c1")).toHaveLength(1);
});

test("an answer that makes no sense is no answer: it is asked for again", async () => {
  const complaint = vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(Api.prototype, "open").mockResolvedValueOnce({} as never);
  const { tab, told } = aTab();
  void tab.start();
  await pass(500);
  expect(told.onScreen).toEqual(["Bonjour."]);
  expect(complaint).toHaveBeenCalledOnce();
});

// The language, while something is on its way

test("a language that is chosen while the conversation opens is the one that it begins in", async () => {
  const { tab, told, store } = aTab("fr");
  const held = door.hold("open");
  void tab.start();
  await pass(0);
  void tab.beginIn("en");
  held.release();
  await pass(0);
  expect(store.session).toMatchObject({ conversation: "c2", language: "en" });
  expect(told.onScreen).toEqual(["Hello."]);
  expect([...door.conversations.keys()]).toEqual(["c2"]);
});

test("a language chosen twice at once ends in the last one", async () => {
  const { tab, store } = await anOpenTab("fr");
  void tab.beginIn("en");
  void tab.beginIn("fr");
  await pass(0);
  expect(store.session?.language).toBe("fr");
  expect(tab.language).toBe("fr");
  expect(door.conversations.size).toBe(1);
});

test("whether something was said is not known before a conversation is taken up", async () => {
  const first = await anOpenTab();
  first.tab.stop();
  const { tab } = aTab();
  expect(tab.isAwaited).toBe(true);
  await tab.start();
  expect(tab.isAwaited).toBe(false);
  localStorage.clear();
  expect(aTab().tab.isAwaited).toBe(false);
});

// Other tabs

test("two tabs that open at the same time share one conversation, and say nothing of it", async () => {
  const [one, two] = [aTab(), aTab()];
  void one.tab.start();
  void two.tab.start();
  await pass(0);
  await tellOtherTabs();
  expect(door.count("open")).toBe(1);
  expect(door.listeners("c1")).toHaveLength(2);
  for (const { told } of [one, two]) {
    expect(told.onScreen).toEqual(["Bonjour."]);
    expect(told.of("note")).toEqual([]);
  }
});

test("without locks, two tabs that open at the same time still end in one conversation", async () => {
  setLocks(undefined);
  const [one, two] = [aTab(), aTab()];
  void one.tab.start();
  void two.tab.start();
  await pass(0);
  expect([...door.conversations.keys()]).toEqual(["c1"]);
  expect(door.listeners("c1")).toHaveLength(2);
});

test("what is said in one tab is heard in the other", async () => {
  const one = await anOpenTab();
  const two = await anOpenTab();
  say(one.tab, "one");
  await pass(0);
  expect(two.told.of("new")).toEqual(["one"]);
});

test("when another tab starts over, this one goes along", async () => {
  const one = await anOpenTab();
  const two = await anOpenTab();
  await one.tab.restart({ forget: false });
  await tellOtherTabs();
  expect(two.told.onScreen).toEqual(["Bonjour."]);
  expect(two.told.of("note")).toEqual(["restarted"]);
  expect(door.listeners("c1")).toEqual([]);
  expect(door.listeners("c2")).toHaveLength(2);
  expect(one.told.of("note")).toEqual(["restarted"]);
  expect(door.count("open")).toBe(2);
});

test("an answer that is awaited is no longer so once another tab has started over", async () => {
  const one = await anOpenTab();
  const two = await anOpenTab();
  say(two.tab, "one");
  await pass(0);
  await one.tab.restart({ forget: false });
  await tellOtherTabs();
  await pass(60_000);
  expect(two.told.of("status")).not.toContain("slow");
});

test("while another tab starts over, nothing is said to be erased", async () => {
  const one = await anOpenTab();
  const two = await anOpenTab();
  const held = door.hold("open");
  void one.tab.restart({ forget: false });
  await tellOtherTabs();
  held.release();
  await pass(0);
  await tellOtherTabs();
  expect(two.told.of("note")).toEqual(["restarted"]);
  expect(door.listeners("c2")).toHaveLength(2);
});

test("when another tab forgets, what was said leaves this one too, and the new one is shared", async () => {
  const one = await anOpenTab();
  const two = await anOpenTab();
  say(one.tab, "one");
  await pass(0);
  const held = door.hold("open");
  void one.tab.restart({ forget: true });
  await pass(0);
  await tellOtherTabs();
  expect(two.told.onScreen).toEqual([]);
  held.release();
  await pass(0);
  await tellOtherTabs();
  await pass(60_000);
  expect(two.told.onScreen).toEqual(["Bonjour."]);
  expect(two.told.of("note")).toEqual(["erased"]);
  expect(door.listeners("c2")).toHaveLength(2);
  expect(door.count("open")).toBe(2);
});

test("when another tab forgets and is closed, this one opens a new conversation by itself", async () => {
  const { told } = await anOpenTab();
  localStorage.clear();
  await tellOtherTabs();
  await pass(1_900);
  expect(door.count("open")).toBe(1);
  await pass(200);
  expect(door.count("open")).toBe(2);
  expect(told.onScreen).toEqual(["Bonjour."]);
});

test("stopped after another tab forgot, it opens nothing", async () => {
  const { tab } = await anOpenTab();
  localStorage.clear();
  await tellOtherTabs();
  tab.stop();
  expect(vi.getTimerCount()).toBe(0);
  await pass(60_000);
  expect(door.count("open")).toBe(1);
});

test("another tab's change of language is kept, and nothing is cleared", async () => {
  const one = await anOpenTab("fr");
  const two = await anOpenTab("fr");
  door.say("c1", { language: "en" });
  await tellOtherTabs();
  expect([one.tab.language, two.tab.language]).toEqual(["en", "en"]);
  expect(two.told.lines).not.toContain("cleared");
});

test("a tab that slept while another started over goes along when it is seen again", async () => {
  const one = await anOpenTab();
  const two = await anOpenTab();
  two.tab.stop();
  await one.tab.restart({ forget: false });
  await two.tab.start();
  await pass(0);
  expect(two.told.onScreen).toEqual(["Bonjour."]);
  expect(two.told.of("note")).toEqual(["restarted"]);
  setHidden(true);
  await one.tab.restart({ forget: false }); // and nobody tells the storage event
  setHidden(false);
  await pass(0);
  expect(door.listeners("c3")).toHaveLength(2);
  expect(door.listeners("c2")).toEqual([]);
});

test("an answer in another language does not bring a conversation back that another tab has left", async () => {
  const one = await anOpenTab("fr");
  const two = await anOpenTab("fr");
  await one.tab.restart({ forget: false }); // the storage event comes late
  door.say("c1", { language: "en" });
  expect(two.store.session?.conversation).toBe("c2");
});

test("a conversation found to be gone does not take another tab's new one with it", async () => {
  setLocks(undefined);
  const one = await anOpenTab();
  const two = aTab();
  const held = door.hold("history");
  void two.tab.start();
  await pass(0);
  await one.tab.restart({ forget: true });
  held.release();
  await pass(0);
  expect(two.store.session?.conversation).toBe("c2");
  expect(door.listeners("c2")).toHaveLength(2);
  expect(door.count("open")).toBe(2);
});

test("a stream that finds its conversation gone does not end another tab's new one", async () => {
  const one = await anOpenTab();
  const two = await anOpenTab();
  await one.tab.restart({ forget: true }); // the storage event comes late
  for (const source of door.listeners("c1")) source.fail();
  await pass(400);
  expect(two.store.session?.conversation).toBe("c2");
  expect(door.listeners("c2")).toHaveLength(2);
  expect(door.count("open")).toBe(2);
});

test("a conversation that another tab replaces while it is taken up is not the one shown", async () => {
  setLocks(undefined);
  const one = await anOpenTab();
  say(one.tab, "one");
  await pass(0);
  const two = aTab();
  const held = door.hold("history");
  void two.tab.start();
  await pass(0);
  await one.tab.restart({ forget: false });
  held.release();
  await pass(0);
  expect(two.told.onScreen).toEqual(["Bonjour."]);
  expect(door.listeners("c2")).toHaveLength(2);
});

test("what one tab has not sent is sent by another, once", async () => {
  const one = await anOpenTab();
  door.fail("send", "lost");
  say(one.tab, "one");
  await pass(0);
  one.tab.stop();
  await anOpenTab();
  await one.tab.start();
  await pass(60_000);
  expect(door.conversations.get("c1")?.map(({ text }) => text)).toEqual(["Bonjour.", "one"]);
});
