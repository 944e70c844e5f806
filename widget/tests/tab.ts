// A conversation as a tab of the browser has it, and what it tells; every test begins with none.
import { afterEach, beforeEach, vi } from "vitest";
import { Api } from "../src/api";
import { Conversation, type Listener } from "../src/conversation";
import type { Message } from "../src/message";
import { type Pending, Store } from "../src/store";
import type { Language } from "../src/words";
import { FakeEventSource, FakeLocks, setLocks } from "./browser";
import { DOOR, FrontDoor } from "./door";

export let door: FrontDoor;
let tabs: Conversation[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5); // pauses are as long as they say
  localStorage.clear();
  setLocks(new FakeLocks());
  door = new FrontDoor();
});
afterEach(() => {
  for (const tab of tabs) tab.stop();
  tabs = [];
  FakeEventSource.forget();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** What a listener was told, one line each. */
export class Told implements Listener {
  readonly lines: string[] = [];
  readonly onScreen: string[] = [];

  message(message: Message, fresh: boolean): void {
    this.lines.push(`${fresh ? "new" : "old"}: ${message.text}`);
    if (!this.onScreen.includes(message.text)) this.onScreen.push(message.text);
  }
  unsent(pending: Pending, failed?: string): void {
    this.lines.push(failed === undefined ? `unsent: ${pending.text}` : `failed: ${failed}`);
  }
  cleared(): void {
    this.lines.push("cleared");
    this.onScreen.length = 0;
  }
  typing(): void {}
  status(status: string): void {
    this.lines.push(`status: ${status}`);
  }
  busy(seconds: number): void {
    this.lines.push(`busy: ${seconds}`);
  }
  person(name: string): void {
    this.lines.push(`person: ${name}`);
  }
  note(note: string): void {
    this.lines.push(`note: ${note}`);
  }

  /** The lines that begin so, without that. */
  of(kind: string): string[] {
    const begin = `${kind}: `;
    return this.lines
      .filter((line) => line.startsWith(begin))
      .map((line) => line.slice(begin.length));
  }
}

/** A tab of the browser: it shares what is stored with the others. */
export function aTab(language: Language = "fr"): { tab: Conversation; told: Told; store: Store } {
  const told = new Told();
  const store = new Store(DOOR);
  const tab = new Conversation(new Api(DOOR), store, told, language);
  tabs.push(tab);
  return { tab, told, store };
}

export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** A tab with an open conversation, c1. */
export async function anOpenTab(language: Language = "fr") {
  const opened = aTab(language);
  await opened.tab.start();
  await pass(0);
  return opened;
}

export function say(tab: Conversation, text: string): string {
  return tab.send({ text }, text);
}
