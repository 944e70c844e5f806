// A conversation with the assistant, without its looks: opened or taken up again, sent to in order,
// listened to, forgotten. What a visitor says is stored before it is sent, and sent until it arrives.
import { type Api, ApiError } from "./api";
import { type Content, type Message, newId } from "./message";
import type { Key, Pending, Session, Store } from "./store";
import { Stream } from "./stream";
import type { Language } from "./words";

export type Status = "" | "connecting" | "offline" | "reconnecting" | "slow";
export type Note = "online" | "resumed" | "erased" | "restarted" | "gone";

export interface Listener {
  /** A message to show, or to show again as it is now; `fresh` when it was said just now. */
  message(message: Message, fresh: boolean): void;
  /** A message of the visitor that has not arrived, or never will, with the reason. */
  unsent(pending: Pending, failed?: string): void;
  /** Everything shown so far belongs to a conversation that is over. */
  cleared(): void;
  typing(on: boolean): void;
  /** How things stand until further notice. */
  status(status: Status): void;
  /** The front door wants a pause of so many seconds. */
  busy(seconds: number): void;
  /** A person of the team, by name, answers from now on; "": the assistant does. */
  person(name: string): void;
  /** Something that happened, worth a word. */
  note(note: Note): void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const SLOW_MS = 8_000;
const OTHERS_MS = 2_000;

export class Conversation {
  private session: Session | null = null;
  private stream: Stream | null = null;
  private starting: Promise<void> | null = null;
  private flushing = false;
  private rating = false;
  private readonly sleepers = new Set<() => void>();
  private slow = 0;
  private active = false;
  private withPerson = false;
  private readonly leave: (() => void)[] = [];

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly listener: Listener,
    public language: Language,
  ) {}

  get limit(): number {
    return this.session?.limit ?? 2000;
  }

  /** Days that the conversation is kept, 0 for ever, null when that is not known yet. */
  get days(): number | null {
    return this.session?.days ?? null;
  }

  /** Whether this browser has a conversation to go on with. */
  get exists(): boolean {
    return this.store.session !== null;
  }

  /** Whether there is one to take up, of which nothing is known yet. */
  get isAwaited(): boolean {
    return !this.session && this.exists;
  }

  /** Open a conversation, or take up the one that is there, and listen. Never rejects. */
  async start(): Promise<void> {
    if (!this.active) {
      this.watch();
      this.resume();
    }
    this.starting ??= this.startUntilDone().finally(() => {
      this.starting = null;
    });
    await this.starting;
    void this.flush();
  }

  /** Stop listening; nothing is forgotten, and `start` goes on from there. */
  stop(): void {
    this.active = false;
    for (const leave of this.leave.splice(0)) leave();
    this.stream?.close();
    this.expectNothing();
    this.wake();
  }

  /** Say something. It is kept until it has arrived; the id of the message. */
  send(content: Content, text: string): string {
    const pending = { id: newId(), content, text, language: this.language };
    this.store.pending = [...this.store.pending, pending];
    this.listener.unsent(pending);
    if (this.session) void this.flush();
    return pending.id;
  }

  /** Say of an answer whether it helped, or take that back. It is kept until it has arrived. */
  rate(id: string, helpful: boolean | null): void {
    this.store.ratings = { ...this.store.ratings, [id]: helpful };
    void this.sendRatings();
  }

  /** Begin another conversation; `forget` erases this one and those before. */
  async restart({ forget }: { forget: boolean }): Promise<void> {
    const old = this.session ?? this.store.session;
    const keys = [...this.store.past, ...(old ? [keyOf(old)] : [])];
    if (forget) for (const key of keys) await this.api.erase(key, this.language);
    this.drop();
    this.store.pending = [];
    this.store.ratings = {};
    this.store.past = forget ? [] : keys;
    this.store.session = null;
    this.listener.cleared();
    if (this.active) await this.start();
    this.listener.note(forget ? "erased" : "restarted");
  }

  /** Begin in another language, where nothing was said in the first. */
  async beginIn(language: Language): Promise<void> {
    this.language = language;
    const unused = this.session;
    if (!unused) return; // what is being opened will be in it
    this.drop();
    this.letGo(unused);
    this.listener.cleared();
    await this.start();
    await this.api.erase(unused, language).catch(() => {});
  }

  /** An address below the front door. */
  url(path: string): string {
    return this.api.url(path);
  }

  /** The file of what was said. */
  async transcript(): Promise<Blob> {
    if (!this.session) throw new ApiError(0);
    return this.api.transcript(this.session, this.language);
  }

  private watch(): void {
    this.active = true;
    const online = () => {
      this.stream?.close(); // it may hang on a network that is no more
      this.resume();
    };
    const offline = () => this.listener.status("offline");
    const visible = () => (document.hidden ? this.stream?.close() : this.resume());
    window.addEventListener("online", online);
    window.addEventListener("offline", offline);
    document.addEventListener("visibilitychange", visible);
    this.leave.push(
      () => window.removeEventListener("online", online),
      () => window.removeEventListener("offline", offline),
      () => document.removeEventListener("visibilitychange", visible),
      this.store.onSession(() => this.follow()),
    );
  }

  /** There may be a connection again, or news of other tabs: do now what was put off. */
  private resume(): void {
    this.follow();
    if (!document.hidden) this.stream?.open();
    this.wake();
  }

  /** Another tab began or forgot a conversation: this one goes along. */
  private follow(): void {
    const theirs = this.store.session;
    if (!this.session) {
      if (theirs) void this.start();
    } else if (theirs && this.isOurs(theirs)) {
      this.session = theirs;
    } else {
      const isKept = this.store.past.some(this.isOurs);
      this.drop();
      this.listener.cleared();
      this.listener.note(theirs || isKept ? "restarted" : "erased");
      void (theirs ? this.start() : this.startAfterOthers());
    }
  }

  /** The tab that forgot is about to open a conversation, which this one then shares. */
  private async startAfterOthers(): Promise<void> {
    await this.sleep(OTHERS_MS);
    if (this.active) await this.start();
  }

  private async startUntilDone(): Promise<void> {
    if (this.session) return;
    this.listener.status("connecting");
    for (let pause = FIRST_PAUSE_MS; this.active; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.store.alone(() => this.startOnce());
        this.listener.status("");
        return;
      } catch (error) {
        await this.putOff(error, pause);
      }
    }
  }

  private async startOnce(): Promise<void> {
    for (let done = false; this.active && !done; ) {
      const known = this.store.session;
      done = known ? await this.takeUp(known) : await this.openNew();
    }
  }

  /** Whether it could be taken up: it may be gone from the front door, or by another tab's doing. */
  private async takeUp(known: Session): Promise<boolean> {
    this.language = known.language;
    let messages: Message[];
    try {
      messages = await this.api.history(known, known.language);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
      this.letGo(known);
      this.listener.note("gone");
      return false;
    }
    const kept = this.store.session;
    if (kept?.conversation !== known.conversation) return false;
    this.session = kept;
    this.listen(messages, false);
    if (messages.some(({ role }) => role === "visitor")) this.listener.note("resumed");
    return true;
  }

  /** Whether what was opened is still wanted: in this language, and no other tab was faster. */
  private async openNew(): Promise<boolean> {
    const language = this.language;
    const { messages, settings, ...key } = await this.api.open(language);
    if (language !== this.language || this.exists) {
      void this.api.erase(key, language).catch(() => {});
      return false;
    }
    const days = settings?.retention_days ?? null;
    const limit = settings?.text_limit ?? 2000;
    this.keep({ ...keyOf(key), language, days, limit });
    this.listen(messages, true);
    return true;
  }

  private listen(messages: Message[], fresh: boolean): void {
    if (!this.session) return;
    for (const message of messages) this.show(message, fresh);
    for (const pending of this.store.pending) this.listener.unsent(pending);
    const last = messages[messages.length - 1]?.id ?? "";
    this.stream?.close();
    this.stream = new Stream(this.api, keyOf(this.session), () => this.language, last, {
      message: (message) => this.show(message, true),
      typing: (on) => this.listener.typing(on),
      connected: () => {
        if (navigator.onLine) this.listener.status("");
        void this.sendRatings();
      },
      lost: () => this.listener.status(navigator.onLine ? "reconnecting" : "offline"),
      gone: () => void this.startAfresh(),
    });
    if (this.active && !document.hidden) this.stream.open();
  }

  /** Send what was said of answers, until it has arrived. */
  private async sendRatings(): Promise<void> {
    if (this.rating) return;
    this.rating = true;
    try {
      for (let next = this.nextRating(); next && this.session; next = this.nextRating()) {
        const [id, helpful] = next;
        if (await this.isPutOff(this.session, id, helpful)) {
          await this.sleep(LONGEST_PAUSE_MS);
          if (!this.active) break;
          continue;
        }
        const { [id]: now, ...left } = this.store.ratings;
        if (now === helpful) this.store.ratings = left; // else it was changed meanwhile
      }
    } finally {
      this.rating = false;
    }
  }

  private nextRating(): [string, boolean | null] | undefined {
    return Object.entries(this.store.ratings)[0];
  }

  /** Send one; whether it may arrive later. One that is refused, of an answer that is gone, never will. */
  private async isPutOff(key: Key, id: string, helpful: boolean | null): Promise<boolean> {
    try {
      await this.api.rate(key, this.language, id, helpful);
    } catch (error) {
      return !(error instanceof ApiError) || error.passing;
    }
    return false;
  }

  private show(message: Message, fresh: boolean): void {
    if (message.role === "visitor") this.settle(message.id);
    else if (fresh) this.answered(message.language);
    if (message.staff?.state)
      this.handOver(message.staff.state === "joined" ? message.staff.name : "");
    const { [message.id]: helpful = message.helpful } = this.store.ratings;
    this.listener.message(helpful === undefined ? message : { ...message, helpful }, fresh);
  }

  private handOver(name: string): void {
    this.withPerson = name !== "";
    this.listener.person(name);
  }

  private answered(language: Language): void {
    if (this.slow) this.listener.status("");
    this.expectNothing();
    this.language = language; // the conversation may have changed it
    const kept = this.store.session;
    if (kept && this.isOurs(kept) && language !== kept.language) this.keep({ ...kept, language });
  }

  private readonly isOurs = (key: Key) => key.conversation === this.session?.conversation;

  private keep(session: Session): void {
    this.session = session;
    this.store.session = session;
  }

  /** Forget a conversation, unless another tab has begun a new one already. */
  private letGo({ conversation }: Key): void {
    if (this.store.session?.conversation === conversation) this.store.session = null;
  }

  private drop(): void {
    this.stream?.close();
    this.stream = null;
    this.session = null;
    this.handOver("");
    this.expectNothing();
    this.wake();
  }

  /** The conversation is gone from the front door: go on in a new one. */
  private async startAfresh(): Promise<void> {
    const over = this.session;
    this.drop();
    if (over) this.letGo(over);
    this.listener.cleared();
    await this.start();
    this.listener.note("gone");
  }

  private settle(id: string): void {
    const left = this.store.pending.filter((pending) => pending.id !== id);
    if (left.length !== this.store.pending.length) this.store.pending = left;
  }

  /** Send what waits, in order, one after the other. */
  private async flush(): Promise<void> {
    if (this.flushing) return;
    this.flushing = true;
    try {
      let pause = FIRST_PAUSE_MS;
      while (this.active && this.session) {
        const [next] = this.store.pending;
        if (!next) break;
        const failure = await this.deliver(next, this.session);
        if (failure) await this.putOff(failure, pause);
        else if (pause > FIRST_PAUSE_MS) this.listener.status("");
        pause = failure ? Math.min(pause * 2, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
      }
    } finally {
      this.flushing = false;
    }
  }

  /** Send one message; why it must be sent again later, if it must. */
  private async deliver(pending: Pending, session: Session): Promise<unknown> {
    try {
      await this.api.send(session, this.language, pending.id, pending.content);
    } catch (error) {
      if (!this.isCurrent(session)) return null;
      if (!(error instanceof ApiError) || error.passing) return error;
      await this.refused(pending, error);
      return null;
    }
    this.settle(pending.id);
    if (this.isCurrent(session)) this.expectAnswer();
    return null;
  }

  /** Whether it is still the one: it may be over by the time that a request is answered. */
  private isCurrent(session: Session): boolean {
    return this.active && this.isOurs(session);
  }

  private async refused(pending: Pending, error: ApiError): Promise<void> {
    const gone = error.status === 401;
    if (!gone || "choice" in pending.content) this.settle(pending.id); // no other offered it
    if (gone) await this.startAfresh();
    else this.listener.unsent(pending, error.message);
  }

  private expectNothing(): void {
    clearTimeout(this.slow);
    this.slow = 0;
  }

  private expectAnswer(): void {
    clearTimeout(this.slow);
    if (this.withPerson) return; // who takes the time it takes
    this.slow = window.setTimeout(() => {
      this.listener.status("slow");
      void this.stream?.catchUp().catch(() => {}); // when something holds the stream back
    }, SLOW_MS);
  }

  private async putOff(error: unknown, pause: number): Promise<void> {
    if (!this.active) return;
    const known = error instanceof ApiError;
    if (!known) console.error(error); // a fault of ours, or an answer that makes no sense
    if (known && error.busy) {
      const seconds = error.retryAfter || 1;
      this.listener.busy(seconds);
      await this.sleep(seconds * 1000);
    } else {
      this.listener.status(navigator.onLine ? "reconnecting" : "offline");
      await this.sleep(pause);
    }
  }

  /** Wait, or less when there is a reason to try at once. */
  private sleep(ms: number): Promise<void> {
    return new Promise((done) => {
      const end = () => {
        clearTimeout(timer);
        this.sleepers.delete(end);
        done();
      };
      const timer = window.setTimeout(end, ms);
      this.sleepers.add(end);
    });
  }

  private wake(): void {
    for (const end of this.sleepers) end();
  }
}

function keyOf({ conversation, token }: Key): Key {
  return { conversation, token };
}
