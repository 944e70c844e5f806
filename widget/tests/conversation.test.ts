import { expect, test } from "vitest";
import { FakeEventSource, setHidden, setOnline } from "./browser";
import { DOOR } from "./door";
import { anOpenTab, aTab, door, pass, say } from "./tab";

// Opening, and taking up again

test("a conversation is opened in the language that is wanted, and listened to", async () => {
  const { tab, told, store } = await anOpenTab("en");
  expect(told.lines).toEqual(["status: connecting", "new: Hello.", "status: ", "status: "]);
  expect(door.asked.map(({ what, body }) => [what, body.language])).toEqual([["open", "en"]]);
  expect(door.listeners("c1")).toHaveLength(1);
  expect(store.session?.conversation).toBe("c1");
  expect([tab.days, tab.limit, tab.exists]).toEqual([365, 2000, true]);
});

test("started twice, it opens once", async () => {
  const { tab } = aTab();
  await Promise.all([tab.start(), tab.start()]);
  await tab.start();
  expect(door.count("open")).toBe(1);
  expect(FakeEventSource.all).toHaveLength(1);
});

test("before it is opened, nothing is asked for and little is known", () => {
  const { tab } = aTab();
  expect([tab.days, tab.limit, tab.exists]).toEqual([null, 2000, false]);
  expect(door.asked).toEqual([]);
});

test("a front door that does not say how long it keeps is not said to keep for ever", async () => {
  door.settings = undefined;
  const { tab } = await anOpenTab();
  expect(tab.days).toBeNull();
  expect(tab.limit).toBe(2000);
});

test("a stored conversation is taken up, with its language and all that was said", async () => {
  const first = await anOpenTab("en");
  say(first.tab, "one");
  await pass(0);
  door.say("c1", { text: "two" });
  first.tab.stop();
  const { tab, told } = await anOpenTab("fr");
  expect(door.count("open")).toBe(1);
  expect(told.onScreen).toEqual(["Hello.", "one", "two"]);
  expect(told.of("new")).toEqual([]);
  expect(told.of("note")).toEqual(["resumed"]);
  expect(tab.language).toBe("en");
  expect(FakeEventSource.latest.url).toMatch(/after=m\d+$/);
});

test("a stored conversation that is gone is replaced by a new one, and that is said", async () => {
  const first = await anOpenTab();
  first.tab.stop();
  door.conversations.clear();
  const { told, store } = await anOpenTab();
  expect(store.session?.conversation).toBe("c2");
  expect(told.of("note")).toEqual(["gone"]);
  expect(told.onScreen).toEqual(["Bonjour."]);
});

test("opening goes on until it succeeds, with longer and longer pauses", async () => {
  door.fail("open", "lost", { status: 503 }, { status: 500 });
  const { tab, told } = aTab();
  const started = tab.start();
  await pass(500 + 1000 + 2000);
  await started;
  expect(door.count("open")).toBe(4);
  expect(told.of("status")).toContain("reconnecting");
  expect(told.of("status").at(-1)).toBe("");
});

test("pauses are fifteen seconds at most", async () => {
  door.fail("open", ...Array.from({ length: 12 }, () => "lost" as const));
  void aTab().tab.start();
  await pass(60_000);
  const before = door.count("open");
  await pass(15_000);
  expect(door.count("open") - before).toBe(1);
});

test("a pause that the front door wants is made, and said", async () => {
  door.fail("open", { status: 429, retryAfter: 7 });
  const { tab, told } = aTab();
  void tab.start();
  await pass(6_900);
  expect(told.of("busy")).toEqual(["7"]);
  expect(door.count("open")).toBe(1);
  await pass(200);
  expect(door.count("open")).toBe(2);
  expect(told.onScreen).toEqual(["Bonjour."]);
});

test("without a network that is what is said, and its return ends the pause", async () => {
  setOnline(false);
  door.fail("open", "lost", "lost", "lost", "lost", "lost");
  const { tab, told } = aTab();
  void tab.start();
  await pass(10_000);
  expect(told.of("status").at(-1)).toBe("offline");
  const before = door.count("open");
  setOnline(true);
  await pass(0);
  expect(door.count("open")).toBe(before + 1);
});

// Sending

test("what is said is stored before it is sent, and until it has arrived", async () => {
  const { tab, told, store } = await anOpenTab();
  const held = door.hold("send");
  const id = say(tab, "one");
  expect(store.pending.map((pending) => pending.id)).toEqual([id]);
  expect(told.of("unsent")).toEqual(["one"]);
  await pass(0);
  expect(store.pending).toHaveLength(1);
  held.release();
  await pass(0);
  expect(store.pending).toEqual([]);
  expect(told.onScreen).toEqual(["Bonjour.", "one"]);
});

test("what is said before the conversation is open is sent once it is", async () => {
  const { tab } = aTab();
  say(tab, "one");
  say(tab, "two");
  await tab.start();
  await pass(0);
  expect(door.said()).toEqual(["one", "two"]);
});

test("messages are sent in order, one after the other", async () => {
  const { tab } = await anOpenTab();
  const held = door.hold("send");
  for (const text of ["one", "two", "three"]) say(tab, text);
  await pass(0);
  expect(door.said()).toEqual(["one"]);
  held.release();
  await pass(0);
  expect(door.said()).toEqual(["one", "two", "three"]);
});

test("a message that fails is sent again with the same id, before those after it", async () => {
  const { tab, told } = await anOpenTab();
  door.fail("send", "lost", { status: 503 });
  const id = say(tab, "one");
  say(tab, "two");
  await pass(0);
  expect(told.of("status").at(-1)).toBe("reconnecting");
  await pass(500 + 1000);
  expect(door.said()).toEqual(["one", "one", "one", "two"]);
  const ids = door.asked.filter(({ what }) => what === "send").map(({ body }) => body.id);
  expect(ids.slice(0, 3)).toEqual([id, id, id]);
  expect(told.onScreen).toEqual(["Bonjour.", "one", "two"]);
});

test("a message whose answer was lost on its way is not said twice", async () => {
  const { tab, store } = await anOpenTab();
  const id = say(tab, "one");
  await pass(0);
  store.pending = [{ id, content: { text: "one" }, text: "one", language: "fr" }];
  say(tab, "two");
  await pass(0);
  expect(door.conversations.get("c1")?.map(({ text }) => text)).toEqual(["Bonjour.", "one", "two"]);
});

test("a message that has arrived by another way is not sent again", async () => {
  const { tab, store } = await anOpenTab();
  door.fail("send", "lost");
  const id = say(tab, "one");
  await pass(0);
  door.say("c1", { id, role: "visitor", text: "one" });
  expect(store.pending).toEqual([]);
  await pass(60_000);
  expect(door.said()).toEqual(["one"]);
});

test("a limit makes what is said wait as long as it says", async () => {
  const { tab, told } = await anOpenTab();
  door.fail("send", { status: 429, retryAfter: 5 });
  say(tab, "one");
  say(tab, "two");
  await pass(4_900);
  expect(told.of("busy")).toEqual(["5"]);
  expect(door.said()).toEqual(["one"]);
  await pass(200);
  expect(door.said()).toEqual(["one", "one", "two"]);
});

test("what is said waits while many people write, and so does an opening", async () => {
  const { tab, told } = await anOpenTab();
  const busy = { status: 503, code: "busy", retryAfter: 4 };
  door.fail("send", busy, busy);
  say(tab, "one");
  await pass(8_100);
  expect(told.of("busy")).toEqual(["4", "4"]);
  expect(told.of("status")).not.toContain("reconnecting");
  expect(door.said()).toEqual(["one", "one", "one"]);
  door.fail("open", busy);
  const other = aTab();
  void other.tab.restart({ forget: true });
  void other.tab.start();
  await pass(4_100);
  expect(other.told.of("busy")).toEqual(["4"]);
  expect(other.told.onScreen).toEqual(["Bonjour."]);
});

test("a limit that names no time is one of a second", async () => {
  const { tab, told } = await anOpenTab();
  door.fail("send", { status: 429 });
  say(tab, "one");
  await pass(1_000);
  expect(told.of("busy")).toEqual(["1"]);
  expect(door.said()).toEqual(["one", "one"]);
});

test("a message that is refused is given back with the reason, and the next one goes on", async () => {
  const { tab, told, store } = await anOpenTab();
  door.fail("send", { status: 422, message: "The message is empty." });
  say(tab, "\u200b");
  say(tab, "two");
  await pass(0);
  expect(told.of("failed")).toEqual(["The message is empty."]);
  expect(store.pending).toEqual([]);
  expect(told.onScreen).toEqual(["Bonjour.", "two"]);
});

test("what is not sent survives a reload, is shown as unsent and then sent", async () => {
  const first = await anOpenTab();
  door.fail("send", "lost");
  say(first.tab, "one");
  await pass(0);
  first.tab.stop();
  await pass(60_000);
  expect(door.said()).toEqual(["one"]);
  const { told } = await anOpenTab();
  expect(told.lines).toContain("unsent: one");
  expect(door.said()).toEqual(["one", "one"]);
  expect(told.onScreen).toEqual(["Bonjour.", "one"]);
});

// Listening

test("answers are told as new", async () => {
  const { told } = await anOpenTab();
  door.say("c1", { text: "news" });
  expect(told.of("new")).toEqual(["Bonjour.", "news"]);
});

test("an answer in the other language changes the conversation's", async () => {
  const { tab, store } = await anOpenTab("fr");
  door.say("c1", { language: "en" });
  expect(tab.language).toBe("en");
  expect(store.session?.language).toBe("en");
});

test("an answer that takes long is said to, and looked for in the history", async () => {
  const { tab, told } = await anOpenTab();
  say(tab, "one");
  await pass(7_900);
  expect(told.of("status")).not.toContain("slow");
  door.conversations.get("c1")?.push({ ...door.say("nowhere"), text: "held back" });
  await pass(200);
  expect(told.of("status")).toContain("slow");
  expect(told.of("new")).toContain("held back");
  expect(told.of("status").at(-1)).toBe("");
});

test("an answer in time leaves nothing to be said", async () => {
  const { tab, told } = await anOpenTab();
  say(tab, "one");
  await pass(1_000);
  door.say("c1");
  await pass(60_000);
  expect(told.of("status")).not.toContain("slow");
});

test("a person of the team is told of while they answer, and takes the time it takes", async () => {
  const { tab, told } = await anOpenTab();
  const staff = { name: "Ann Roy" };
  door.say("c1", { kind: "notice", staff: { ...staff, state: "joined" } });
  door.say("c1", { role: "staff", staff });
  say(tab, "one");
  await pass(60_000);
  expect(told.of("person")).toEqual(["Ann Roy"]);
  expect(told.of("status")).not.toContain("slow");
  door.say("c1", { kind: "notice", staff: { ...staff, state: "left" } });
  expect(told.of("person")).toEqual(["Ann Roy", ""]);
  say(tab, "two");
  await pass(60_000);
  expect(told.of("status")).toContain("slow");
});

test("who answers is known again after a reload, and forgotten with the conversation", async () => {
  const first = await anOpenTab();
  door.say("c1", { kind: "notice", staff: { name: "Ann Roy", state: "joined" } });
  first.tab.stop();
  const { tab, told } = await anOpenTab();
  expect(told.of("person")).toEqual(["Ann Roy"]);
  await tab.restart({ forget: true });
  expect(told.of("person")).toEqual(["Ann Roy", ""]);
});

test("a history that cannot be read when an answer is slow is no failure", async () => {
  const { tab, told } = await anOpenTab();
  say(tab, "one");
  door.fail("history", "lost");
  await pass(9_000);
  expect(told.of("status").at(-1)).toBe("slow");
});

test("a stream that is lost is said to be, and then that it is back", async () => {
  const { told } = await anOpenTab();
  door.fail("history", "lost", "lost");
  FakeEventSource.latest.fail();
  await pass(400);
  expect(told.of("status").at(-1)).toBe("reconnecting");
  await pass(800 + 1600);
  expect(told.of("status").at(-1)).toBe("");
  expect(door.listeners("c1")).toHaveLength(1);
});

test("a stream that is lost without a network is said to be that", async () => {
  const { told } = await anOpenTab();
  door.fail("history", "lost");
  setOnline(false);
  FakeEventSource.latest.fail();
  await pass(400);
  expect(told.of("status").at(-1)).toBe("offline");
});

test("a hidden page does not listen, and hears what it missed when it is seen again", async () => {
  const { told } = await anOpenTab();
  setHidden(true);
  expect(door.listeners("c1")).toHaveLength(0);
  door.say("c1", { text: "missed" });
  await pass(60_000);
  expect(told.onScreen).toEqual(["Bonjour."]);
  setHidden(false);
  await pass(0);
  expect(told.onScreen).toEqual(["Bonjour.", "missed"]);
});

test("a hidden page does not listen when the network is back either", async () => {
  await anOpenTab();
  setHidden(true);
  setOnline(true);
  expect(door.listeners("c1")).toHaveLength(0);
});

test("a conversation opened in a hidden page is listened to once the page is seen", async () => {
  setHidden(true);
  await anOpenTab();
  expect(door.listeners("c1")).toHaveLength(0);
  setHidden(false);
  expect(door.listeners("c1")).toHaveLength(1);
});

// Beginning again, and forgetting

test("to start over begins another conversation, and keeps the key of the one before", async () => {
  const { tab, told, store } = await anOpenTab();
  say(tab, "one");
  await pass(0);
  await tab.restart({ forget: false });
  await tab.restart({ forget: false });
  await pass(0);
  expect(store.session?.conversation).toBe("c3");
  expect(store.past.map(({ conversation }) => conversation)).toEqual(["c1", "c2"]);
  expect([...door.conversations.keys()]).toEqual(["c1", "c2", "c3"]);
  expect(told.onScreen).toEqual(["Bonjour."]);
  expect(told.of("note")).toEqual(["restarted", "restarted"]);
  expect(FakeEventSource.listening).toHaveLength(1);
});

test("to forget erases this conversation and those before, and begins another", async () => {
  const { tab, told, store } = await anOpenTab();
  await tab.restart({ forget: false });
  await tab.restart({ forget: true });
  await pass(0);
  expect([...door.conversations.keys()]).toEqual(["c3"]);
  expect(store.session?.conversation).toBe("c3");
  expect(store.past).toEqual([]);
  expect(told.of("note").at(-1)).toBe("erased");
});

test("to forget also forgets what was not sent", async () => {
  const { tab, store } = await anOpenTab();
  door.fail("send", "lost");
  say(tab, "one");
  await pass(0);
  await tab.restart({ forget: true });
  await pass(60_000);
  expect(store.pending).toEqual([]);
  expect(door.said("c2")).toEqual([]);
});

test("when forgetting fails, everything is kept", async () => {
  const { tab, told, store } = await anOpenTab();
  await tab.restart({ forget: false });
  const before = { ...localStorage };
  const lines = told.lines.length;
  door.fail("erase", { status: 503 });
  await expect(tab.restart({ forget: true })).rejects.toThrow();
  expect({ ...localStorage }).toEqual(before);
  expect(told.lines).toHaveLength(lines);
  expect(door.listeners("c2")).toHaveLength(1);
  await tab.restart({ forget: true });
  expect(store.session?.conversation).toBe("c3");
  expect([...door.conversations.keys()]).toEqual(["c3"]);
});

test("a conversation that another device has erased does not keep the others from being erased", async () => {
  const { tab, store } = await anOpenTab();
  await tab.restart({ forget: false });
  door.conversations.delete("c1");
  await tab.restart({ forget: true });
  expect([...door.conversations.keys()]).toEqual(["c3"]);
  expect(store.past).toEqual([]);
});

// Changing language

test("where nothing was said, another language begins another conversation and erases the first", async () => {
  const { tab, told, store } = await anOpenTab("fr");
  await tab.beginIn("en");
  await pass(0);
  expect([...door.conversations.keys()]).toEqual(["c2"]);
  expect(store.session).toMatchObject({ conversation: "c2", language: "en" });
  expect(told.onScreen).toEqual(["Hello."]);
});

test("an unused conversation that cannot be erased is no failure", async () => {
  const { tab } = await anOpenTab("fr");
  door.fail("erase", { status: 503 });
  await tab.beginIn("en");
  expect(tab.language).toBe("en");
});

test("after something was said, the language is changed by asking for it", async () => {
  const { tab } = await anOpenTab("fr");
  tab.send({ intent: "switch_language/en" }, "English");
  await pass(0);
  expect(door.said()).toEqual(["switch_language/en"]);
  door.say("c1", { language: "en", text: "In English." });
  expect(tab.language).toBe("en");
});

test("a conversation that the widget's own button switched is in that language after a reload", async () => {
  const { tab, store } = await anOpenTab("fr");
  tab.language = "en";
  tab.send({ intent: "switch_language/en" }, "English");
  expect(store.session?.language).toBe("fr"); // until the assistant has answered in it
  await pass(0);
  door.say("c1", { language: "en" });
  expect(store.session?.language).toBe("en");
});

// The file of it

test("what was said can be had as a file", async () => {
  const { tab } = await anOpenTab();
  expect(await (await tab.transcript()).text()).toBe("Bonjour.");
});

test("there is no file before there is a conversation", async () => {
  await expect(aTab().tab.transcript()).rejects.toThrow();
});

test("addresses are below the front door", () => {
  expect(aTab().tab.url("/privacy")).toBe(`${DOOR}/privacy`);
});
