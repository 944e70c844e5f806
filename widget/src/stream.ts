// The events of a conversation, for as long as they are wanted. A lost connection is taken up again
// after the last message seen; when that fails too, the history tells what the stream could not.
import { type Api, ApiError } from "./api";
import type { Message } from "./message";
import type { Key } from "./store";
import type { Language } from "./words";

export interface Heard {
  message(message: Message): void;
  typing(on: boolean): void;
  connected(): void;
  lost(): void;
  gone(): void;
}

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 10_000;

export class Stream {
  private source: EventSource | null = null;
  private timer = 0;
  private pause = FIRST_PAUSE_MS;
  private wanted = false;
  private readonly seen = new Set<string>(); // what was told, by the stream or the history

  constructor(
    private readonly api: Api,
    private readonly key: Key,
    private readonly language: () => Language,
    private last: string,
    private readonly heard: Heard,
  ) {}

  /** Listen, from the last message seen; once more at once when a pause was being made. */
  open(): void {
    this.wanted = true;
    clearTimeout(this.timer);
    if (!this.source) this.connect();
  }

  close(): void {
    this.wanted = false;
    clearTimeout(this.timer);
    this.drop();
  }

  /** Ask the history for what the stream has not brought. */
  async catchUp(): Promise<void> {
    const messages = await this.api.history(this.key, this.language(), this.last);
    if (this.wanted) for (const message of messages) this.take(message);
  }

  private connect(): void {
    const source = this.api.events(this.key, this.last);
    this.source = source;
    source.onopen = () => {
      this.pause = FIRST_PAUSE_MS;
      this.heard.connected();
    };
    source.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    source.addEventListener("typing", (event) => this.heard.typing(JSON.parse(event.data).on));
    source.addEventListener("error", () => this.retry()); // the server's own, or a lost connection
  }

  private take(message: Message): void {
    if (this.seen.has(message.id)) return;
    this.seen.add(message.id);
    this.last = message.id;
    this.heard.message(message);
  }

  private drop(): void {
    this.source?.close();
    this.source = null;
    this.heard.typing(false); // nobody would say that it is over
  }

  private retry(): void {
    this.drop();
    if (!this.wanted) return;
    const pause = this.pause * (0.75 + Math.random() / 2);
    if (this.pause > FIRST_PAUSE_MS) this.heard.lost(); // the first time may be a hiccup
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.reconnect(), pause);
  }

  private async reconnect(): Promise<void> {
    try {
      await this.catchUp();
    } catch (error) {
      if (!this.wanted || this.source) return; // closed, or connected again, meanwhile
      if (error instanceof ApiError && error.status === 401) this.heard.gone();
      else this.retry();
      return;
    }
    if (this.wanted && !this.source) this.connect();
  }
}
