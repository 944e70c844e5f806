// `<mobilis-chat>`: the launcher, the panel and the conversation, put together. What a website may
// set, call and listen to is in docs/widget.md.
import { Announcer } from "./announcer";
import { Api } from "./api";
import { accentProperties } from "./color";
import { Conversation, type Listener, type Note, type Status } from "./conversation";
import { h, icon } from "./dom";
import type { Message } from "./message";
import { Panel } from "./panel";
import { type Pending, Store } from "./store";
import style from "./style.css";
import { Transcript } from "./transcript";
import { fill, type Language, languageOf, otherLanguage, type Words, wordsOf } from "./words";

const CHAT = "M4 5h16v11H10l-5 4v-4H4z";
// --mobilis-background and --mobilis-surface of style.css, in each theme
const LIGHT = { panel: "#ffffff", card: "#f0f4f5" };
const DARK = { panel: "#161c24", card: "#232d38" };
const NOTE_MS = 6_000;
const CONNECTING_MS = 400; // until that takes long enough to be said
const UNSENT_MS = 1_000; // until a message that has not arrived is said to be unsent
const LET_GO_MS = 10_000; // until a file that was downloaded is let go of
export const FALLBACK = "[data-mobilis-fallback]";

/** What to say, in whatever language is spoken by then. */
type Sentence = (words: Words) => string;

export class MobilisChat extends HTMLElement implements Listener {
  static readonly observedAttributes = ["data-language", "data-accent"];

  /** The front door that the script came from; `data-server` says otherwise. */
  static home = "";

  private built = false;
  private ui: Language = "fr";
  private unread = 0;
  private opener: HTMLElement | null = null;
  private standing: Status = "";
  private noted: Sentence | null = null; // said for a while, in place of how things stand
  private yields = true; // whether that gives way when they change for the worse
  private noteTimer = 0;
  private conversation!: Conversation;
  private store!: Store;
  private panel!: Panel;
  private transcript!: Transcript;
  private readonly announcer = new Announcer();
  private readonly launcher = h("button", {
    type: "button",
    class: "launcher",
    part: "launcher",
    "aria-expanded": "false",
    "aria-controls": "panel",
    "aria-haspopup": "dialog",
    onclick: () => (this.isOpen ? this.close() : this.open()),
  });

  connectedCallback(): void {
    const isMoved = this.built;
    if (!isMoved) this.build();
    if (!this.built) return;
    hidePlainLinks(true);
    const intent = isMoved ? this.asItWasLeft() : this.openingIntent();
    if (intent !== null) this.show(intent, false);
  }

  disconnectedCallback(): void {
    if (!this.built) return;
    this.conversation.stop();
    if (this.isOpen) this.panel.hide();
    this.launcher.setAttribute("aria-expanded", "false");
    if (!document.querySelector(this.localName)) hidePlainLinks(false);
  }

  attributeChangedCallback(name: string): void {
    if (!this.built) return;
    if (name === "data-accent") this.applyAccent();
    else if (!this.conversation.exists) this.speakUi(this.wantedLanguage());
  }

  get isOpen(): boolean {
    return this.built && this.panel.root.open;
  }

  /** Open the panel; with an intent of the chat API, on that. */
  open(intent = ""): void {
    if (this.built && this.isConnected) this.show(intent, true);
  }

  close(): void {
    if (!this.isOpen) return;
    const inside = document.activeElement === this;
    this.panel.hide();
    this.store.open = false;
    this.launcher.setAttribute("aria-expanded", "false");
    if (inside) this.returnFocus();
    this.opener = null;
    this.tell("close");
  }

  /** Say something for the visitor, with the panel open. */
  send(text: string): void {
    if (!text.trim()) return;
    if (!this.isOpen) this.open();
    if (this.isOpen) this.conversation.send({ text }, text);
  }

  // The conversation tells

  message(message: Message, fresh: boolean): void {
    const node = this.transcript.show(message);
    this.refreshConsent();
    if (this.conversation.language !== this.ui) this.speakUi(this.conversation.language);
    if (!fresh) return;
    if (message.role !== "visitor") this.receive(message, node);
    const { id, role, kind, language } = message;
    this.tell("message", { id, role, kind, language });
    if (message.result) {
      const { band, score, of, gaps } = message.result;
      this.tell("result", { band, score, of, gaps });
    }
    if (message.lead) this.tell("lead", { ...message.lead });
  }

  unsent(pending: Pending, failed?: string): void {
    const { id, content, text, language } = pending;
    if (failed !== undefined) {
      this.giveBack(pending, failed);
      return;
    }
    if (!text) return; // a page's own button: the front door knows what it says
    this.transcript.show({ id, role: "visitor", language, kind: "text", text }, true);
    if ("choice" in content) this.transcript.markUsed(content.choice);
    this.refreshConsent();
    window.setTimeout(() => this.markUnsent(id), UNSENT_MS);
  }

  cleared(): void {
    this.transcript.clear();
    this.refreshConsent();
  }

  typing(on: boolean): void {
    this.panel.setTyping(on);
  }

  status(status: Status): void {
    const before = this.standing;
    this.standing = status;
    if (before === status) return;
    if (!status && isBroken(before)) {
      this.note("online");
      return;
    }
    if (status === "connecting") {
      window.setTimeout(() => this.standing === "connecting" && this.sayStatus(), CONNECTING_MS);
      return;
    }
    if (status && this.yields) this.noted = null;
    this.sayStatus();
  }

  person(name: string): void {
    this.panel.setPerson(name);
  }

  busy(seconds: number): void {
    this.sayForAWhile((words) => fill(words.busy, { seconds }), true, seconds * 1000);
  }

  note(note: Note): void {
    this.sayForAWhile((words) => words[note], true);
  }

  // Inside

  private get words(): Words {
    return wordsOf(this.ui);
  }

  private asItWasLeft(): string | null {
    return this.store.open ? "" : null;
  }

  /** What to open on when the page has loaded ("": as it was left), or null to stay closed. */
  private openingIntent(): string | null {
    const wanted = this.dataset.open;
    if (wanted === undefined || wanted === "false") return this.asItWasLeft();
    if (wanted === "true" || wanted === "") return this.store.open === false ? null : "";
    const [visit] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    const again = visit !== undefined && visit.type !== "navigate"; // asked for once already
    return again ? this.asItWasLeft() : wanted;
  }

  private build(): void {
    const server = (this.dataset.server || MobilisChat.home).replace(/\/+$/, "");
    if (!server) {
      console.error("mobilis-chat: data-server is missing, and no script tag says where from");
      return;
    }
    this.built = true;
    this.ui = this.wantedLanguage();
    const api = new Api(server);
    this.store = new Store(server);
    this.conversation = new Conversation(api, this.store, this, this.ui);
    this.transcript = new Transcript(
      api,
      {
        choice: ({ id, title }) => this.conversation.send({ choice: id }, title),
        back: () => this.conversation.send({ intent: "go_back" }, this.words.back),
        rate: (message, helpful) => this.rate(message, helpful),
      },
      this.ui,
    );
    this.panel = new Panel(
      {
        send: (text) => this.conversation.send({ text }, text),
        typed: (text) => {
          this.store.draft = text;
        },
        close: () => this.close(),
        language: () => this.switchLanguage(),
        restart: () => void this.conversation.restart({ forget: false }),
        forget: () => void this.forget(),
        download: () => void this.download(),
      },
      this.transcript.root,
      this.transcript.toNewest,
      this.announcer.root,
      () => this.conversation.limit,
    );
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    root.append(h("div", { class: "root" }, this.launcher, this.panel.root));
    this.applyAccent();
    this.speakUi(this.ui);
    this.panel.restore(this.store.draft);
  }

  private wantedLanguage(): Language {
    return (
      languageOf(this.dataset.language) ??
      languageOf(document.documentElement.lang) ??
      languageOf(navigator.language) ??
      "fr"
    );
  }

  private applyAccent(): void {
    const chosen = accentProperties(this.dataset.accent ?? null, LIGHT, DARK);
    const root = this.shadowRoot?.querySelector<HTMLElement>(".root");
    for (const [property, value] of Object.entries(chosen)) {
      root?.style.setProperty(property, value); // null takes it away
    }
  }

  /** Let everything that the widget says be in a language. */
  private speakUi(language: Language): void {
    this.ui = language;
    if (!this.conversation.exists) this.conversation.language = language;
    this.lang = language;
    this.transcript.relabel(this.words, language);
    this.panel.relabel(language);
    this.sayStatus();
    this.refreshConsent();
    this.refreshLauncher();
  }

  private show(intent: string, focus: boolean): void {
    if (!this.isOpen) {
      const active = document.activeElement;
      const usable = focus && active instanceof HTMLElement && active !== document.body;
      this.opener = usable && active !== this ? active : null;
      this.panel.show(focus);
      this.store.open = true;
      this.launcher.setAttribute("aria-expanded", "true");
      this.unread = 0;
      this.refreshLauncher();
      this.transcript.toEnd();
      this.tell("open");
    } else if (focus) this.panel.input.focus();
    const started = this.conversation.start();
    if (intent) void started.then(() => this.conversation.send({ intent }, ""));
  }

  /** To what the panel was opened with, where that can take it, else to the launcher. */
  private returnFocus(): void {
    this.opener?.focus();
    if (!this.opener || document.activeElement !== this.opener) this.launcher.focus();
  }

  private receive(message: Message, node: HTMLElement): void {
    if (this.isOpen) {
      this.announcer.message(message, node);
    } else {
      this.unread += 1;
      this.refreshLauncher();
    }
  }

  private markUnsent(id: string): void {
    const waits = this.store.pending.some((pending) => pending.id === id); // at the front door, else
    if (waits) this.transcript.mark(id, "unsent", this.words.unsent);
  }

  private giveBack({ id, content, text }: Pending, reason: string): void {
    this.transcript.mark(id, "failed", reason || this.words.failed);
    if ("choice" in content) this.transcript.reopen(content.choice);
    if ("text" in content) this.panel.restore(text);
    this.sayForAWhile((words) => reason || words.failed);
  }

  private rate({ id, language }: Message, helpful: boolean | null): void {
    this.conversation.rate(id, helpful);
    const words = wordsOf(language);
    this.announcer.say(helpful === null ? words.ratingTaken : words.rated, language);
  }

  private switchLanguage(): void {
    const language = otherLanguage(this.ui);
    const said = this.words.other;
    const spoken = this.transcript.hasSpoken || this.conversation.isAwaited;
    this.conversation.language = language;
    this.speakUi(language);
    if (spoken) this.conversation.send({ intent: `switch_language/${language}` }, said);
    else void this.conversation.beginIn(language);
  }

  private async forget(): Promise<void> {
    try {
      await this.conversation.restart({ forget: true });
    } catch {
      this.sayForAWhile((words) => words.notErased);
    }
  }

  private async download(): Promise<void> {
    try {
      const address = URL.createObjectURL(await this.conversation.transcript());
      h("a", { href: address, download: this.words.downloadName }).click();
      window.setTimeout(() => URL.revokeObjectURL(address), LET_GO_MS); // some begin late
    } catch {
      this.sayForAWhile((words) => words.notDownloaded);
    }
  }

  private sayStatus(): void {
    const { words, standing, noted } = this;
    const contact = !noted && isBroken(standing) ? this.contact() : null;
    this.panel.setStatus(noted?.(words) ?? (standing && words[standing]), contact);
  }

  private sayForAWhile(sentence: Sentence, yields = false, ms = NOTE_MS): void {
    clearTimeout(this.noteTimer);
    this.noted = sentence;
    this.yields = yields;
    this.sayStatus();
    this.noteTimer = window.setTimeout(() => {
      this.noted = null;
      this.sayStatus();
    }, ms);
  }

  /** The page's own plain way to reach somebody. */
  private contact(): HTMLElement | null {
    const link = document.querySelector<HTMLAnchorElement>(`a${FALLBACK}, ${FALLBACK} a`);
    return link && h("a", { href: link.href }, this.words.contact);
  }

  private refreshConsent(): void {
    const privacy = this.dataset.privacy || this.conversation.url(`/privacy?lang=${this.ui}`);
    const consent = { days: this.conversation.days, privacy };
    this.panel.setConsent(this.transcript.hasSpoken ? null : consent, this.words);
  }

  private refreshLauncher(): void {
    const { words, unread } = this;
    const sentence = unread === 1 ? words.unread : words.unreadMany;
    const badge = h(
      "span",
      { class: "unread" },
      h("span", { "aria-hidden": "true" }, String(unread)),
      h("span", { class: "hidden" }, `, ${fill(sentence, { count: unread })}`),
    );
    const said = h("span", { class: "words" }, words.launch);
    this.launcher.replaceChildren(icon(CHAT), said, ...(unread ? [badge] : []));
  }

  private tell(name: string, detail: object = {}): void {
    this.dispatchEvent(
      new CustomEvent(`mobilis:${name}`, { bubbles: true, composed: true, detail }),
    );
  }
}

function isBroken(status: Status): boolean {
  return status === "offline" || status === "reconnecting";
}

/** Out of sight without moving the page. */
function hidePlainLinks(hidden: boolean): void {
  for (const { style } of document.querySelectorAll<HTMLElement>(FALLBACK)) {
    if (hidden) style.setProperty("visibility", "hidden", "important");
    else style.removeProperty("visibility");
  }
}
