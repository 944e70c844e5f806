import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Session, Store } from "../src/store";
import { FakeLocks, setLocks, tellStorage } from "./browser";

const SERVER = "https://door.example";
const SESSION: Session = { conversation: "c1", token: "t", language: "fr", days: 365, limit: 2000 };
let store: Store;

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
  store = new Store(SERVER);
});
afterEach(() => {
  vi.restoreAllMocks();
  setLocks(undefined);
});

function block(area: "getItem" | "setItem" | "removeItem"): void {
  vi.spyOn(Storage.prototype, area).mockImplementation(() => {
    throw new DOMException("denied", "SecurityError");
  });
}

function blockAll(): void {
  block("getItem");
  block("setItem");
  block("removeItem");
}

function pending(id: string) {
  return { id, content: { text: id }, text: id, language: "fr" as const };
}

test("at first there is nothing", () => {
  expect(store.session).toBeNull();
  expect(store.past).toEqual([]);
  expect(store.pending).toEqual([]);
  expect(store.open).toBe(null);
  expect(store.draft).toBe("");
});

test("what is kept is there for the next page", () => {
  store.session = SESSION;
  store.pending = [pending("p1")];
  store.past = [{ conversation: "c0", token: "s" }];
  store.open = true;
  store.draft = "Bonj";
  const next = new Store(SERVER);
  expect(next.session).toEqual(SESSION);
  expect(next.pending).toEqual([pending("p1")]);
  expect(next.past).toEqual([{ conversation: "c0", token: "s" }]);
  expect(next.open).toBe(true);
  expect(next.draft).toBe("Bonj");
});

test("what is taken back leaves nothing behind, but that the chat was closed", () => {
  store.session = SESSION;
  store.pending = [pending("p1")];
  store.past = [{ conversation: "c0", token: "s" }];
  store.open = true;
  store.draft = "Bonj";
  store.session = null;
  store.pending = [];
  store.past = [];
  store.open = false;
  store.draft = "";
  expect(localStorage).toHaveLength(0);
  expect(Object.values(sessionStorage)).toEqual(["false"]);
});

test("what belongs to this tab is not shared with the others", () => {
  store.open = true;
  store.draft = "Bonj";
  expect(localStorage).toHaveLength(0);
});

test("two front doors do not mix", () => {
  store.session = SESSION;
  expect(new Store("https://other.example").session).toBeNull();
});

test("of the earlier conversations, the last twenty are kept", () => {
  store.past = Array.from({ length: 25 }, (_, at) => ({ conversation: `c${at}`, token: "t" }));
  expect(store.past).toHaveLength(20);
  expect(store.past.map(({ conversation }) => conversation)).toEqual(
    Array.from({ length: 20 }, (_, at) => `c${at + 5}`),
  );
});

test("when storage is blocked, memory does", () => {
  blockAll();
  store.session = SESSION;
  store.pending = [pending("p1")];
  store.draft = "Bonj";
  expect(store.session).toEqual(SESSION);
  expect(store.pending).toEqual([pending("p1")]);
  expect(store.draft).toBe("Bonj");
  store.session = null;
  store.pending = [];
  expect(store.session).toBeNull();
  expect(store.pending).toEqual([]);
});

test("when storage may not even be looked at, memory does", () => {
  vi.spyOn(window, "localStorage", "get").mockImplementation(() => {
    throw new DOMException("denied", "SecurityError");
  });
  store.session = SESSION;
  expect(store.session).toEqual(SESSION);
});

test("when storage is full, what is new is in memory and wins over what is stored", () => {
  store.session = SESSION;
  block("setItem");
  store.session = { ...SESSION, conversation: "c2" };
  expect(store.session?.conversation).toBe("c2");
  vi.restoreAllMocks();
  store.session = { ...SESSION, conversation: "c3" };
  expect(new Store(SERVER).session?.conversation).toBe("c3");
  expect(store.session?.conversation).toBe("c3");
});

test.each(["{", "undefined", ""])("what is not JSON counts as nothing: %j", (text) => {
  localStorage.setItem(`mobilis:${SERVER}:session`, text);
  localStorage.setItem(`mobilis:${SERVER}:pending`, text);
  expect(store.session).toBeNull();
  expect(store.pending).toEqual([]);
});

test.each(["5", '"text"', "{}", "[]", "true"])(
  "what we did not write counts as nothing: %s",
  (text) => {
    for (const name of ["session", "pending", "past"]) {
      localStorage.setItem(`mobilis:${SERVER}:${name}`, text);
    }
    expect(store.session).toBeNull();
    expect(store.pending).toEqual([]);
    expect(store.past).toEqual([]);
  },
);

test("another tab's conversation is told, and nothing else of other tabs", () => {
  const changed = vi.fn();
  store.onSession(changed);
  tellStorage(`mobilis:${SERVER}:session`);
  expect(changed).toHaveBeenCalledTimes(1);
  tellStorage(`mobilis:${SERVER}:pending`);
  tellStorage("mobilis:https://other.example:session");
  tellStorage("theirs");
  expect(changed).toHaveBeenCalledTimes(1);
});

test("that everything was cleared is told too", () => {
  const changed = vi.fn();
  store.onSession(changed);
  tellStorage(null);
  expect(changed).toHaveBeenCalledOnce();
});

test("who no longer wants to know is not told", () => {
  const changed = vi.fn();
  store.onSession(changed)();
  tellStorage(`mobilis:${SERVER}:session`);
  expect(changed).not.toHaveBeenCalled();
});

test("with locks, one tab works at a time", async () => {
  setLocks(new FakeLocks());
  const done: string[] = [];
  let finish = () => {};
  const first = store.alone(async () => {
    await new Promise<void>((end) => {
      finish = end;
    });
    done.push("first");
  });
  const second = new Store(SERVER).alone(async () => done.push("second"));
  await Promise.resolve();
  expect(done).toEqual([]);
  finish();
  await Promise.all([first, second]);
  expect(done).toEqual(["first", "second"]);
});

test("without locks, the work is done all the same", async () => {
  expect(await store.alone(async () => "done")).toBe("done");
});

test("where locks are denied, as storage may be, the work is done all the same", async () => {
  const request = () => Promise.reject(new DOMException("denied", "SecurityError"));
  setLocks({ request });
  expect(await store.alone(async () => "done")).toBe("done");
});

test("work that fails under a lock is not done a second time", async () => {
  setLocks(new FakeLocks());
  const work = vi.fn(() => Promise.reject(new Error("failed")));
  await expect(store.alone(work)).rejects.toThrow("failed");
  expect(work).toHaveBeenCalledOnce();
});
