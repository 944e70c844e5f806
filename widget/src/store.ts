// What the browser keeps: which conversation is ours, and what is not sent yet. In memory when
// storage is blocked. Keys carry the front door's address, so two of them do not mix.
import type { Content } from "./message";
import type { Language } from "./words";

export interface Key {
  conversation: string;
  token: string;
}

export interface Session extends Key {
  language: Language;
  days: number | null; // 0: until it is erased; null: the front door did not say
  limit: number;
}

export interface Pending {
  id: string;
  content: Content;
  text: string;
  language: Language;
}

const MOST_PAST = 20;

export class Store {
  private readonly memory = new Map<string, string>();
  private readonly prefix: string;

  constructor(server: string) {
    this.prefix = `mobilis:${server}`;
  }

  get session(): Session | null {
    const kept = this.read<Session>(this.local, "session");
    return kept?.conversation && kept.token ? kept : null;
  }

  set session(session: Session | null) {
    this.write(this.local, "session", session);
  }

  /** Earlier conversations: "forget" erases them too. */
  get past(): Key[] {
    return this.list("past");
  }

  set past(past: Key[]) {
    this.write(this.local, "past", past.length ? past.slice(-MOST_PAST) : null);
  }

  get pending(): Pending[] {
    return this.list("pending");
  }

  set pending(pending: Pending[]) {
    this.write(this.local, "pending", pending.length ? pending : null);
  }

  /** What was said of answers and has not arrived yet, by message. */
  get ratings(): Record<string, boolean | null> {
    return this.read<Record<string, boolean | null>>(this.local, "ratings") ?? {};
  }

  set ratings(ratings: Record<string, boolean | null>) {
    this.write(this.local, "ratings", Object.keys(ratings).length ? ratings : null);
  }

  /** Whether the chat is open in this tab; null until the visitor has opened it. */
  get open(): boolean | null {
    return this.read<boolean>(this.tab, "open");
  }

  set open(open: boolean) {
    this.write(this.tab, "open", open);
  }

  /** What is typed and not sent, in this tab. */
  get draft(): string {
    return this.read<string>(this.tab, "draft") ?? "";
  }

  set draft(draft: string) {
    this.write(this.tab, "draft", draft || null);
  }

  /** Calls back when another tab begins, changes or forgets the conversation. */
  onSession(changed: () => void): () => void {
    const listener = (event: StorageEvent) => {
      if (event.key === `${this.prefix}:session` || event.key === null) changed();
    };
    window.addEventListener("storage", listener);
    return () => window.removeEventListener("storage", listener);
  }

  /** Runs `work` in one tab at a time, where the browser can do that. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    let begun = false;
    const locked = () => {
      begun = true;
      return work();
    };
    if (!navigator.locks) return work(); // pages without https
    try {
      return await navigator.locks.request(this.prefix, locked);
    } catch (error) {
      if (begun) throw error;
      return work(); // locks are denied where storage is
    }
  }

  private list<T>(name: string): T[] {
    const kept = this.read<T[]>(this.local, name);
    return Array.isArray(kept) ? kept : [];
  }

  private read<T>(area: () => Storage, name: string): T | null {
    const key = `${this.prefix}:${name}`;
    try {
      const text = this.memory.get(key) ?? area().getItem(key);
      return text === null ? null : (JSON.parse(text) as T);
    } catch {
      return null; // blocked, or not what we wrote
    }
  }

  private write(area: () => Storage, name: string, value: unknown): void {
    const key = `${this.prefix}:${name}`;
    this.memory.delete(key);
    try {
      if (value === null) area().removeItem(key);
      else area().setItem(key, JSON.stringify(value));
    } catch {
      if (value !== null) this.memory.set(key, JSON.stringify(value)); // blocked or full
    }
  }

  private readonly local = () => localStorage;
  private readonly tab = () => sessionStorage;
}
