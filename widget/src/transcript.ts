// The messages on the screen: one tab stop, walked through with the arrow keys; used choices; where
// it is scrolled to.
import type { Api } from "./api";
import { CHECK, card } from "./card";
import { h, icon } from "./dom";
import { type Choice, isOnceOnly, type Message } from "./message";
import { type Language, type Words, wordsOf } from "./words";

export interface Said {
  choice(choice: Choice): void;
  back(): void;
  /** What the visitor says of an answer; null takes it back. */
  rate(message: Message, helpful: boolean | null): void;
}

const CLOSE = 80; // pixels from where new messages leave off, within which they are followed
const MARGIN = 12; // pixels above the visitor's own message

export class Transcript {
  readonly root: HTMLElement;
  private readonly list = h("div", { class: "list" });
  private readonly newest: HTMLButtonElement;
  private readonly shown = new Map<string, { message: Message; node: HTMLElement }>();
  private current: HTMLElement | null = null; // the one that Tab leads to
  private following = true; // whether new messages are brought into view
  private anchor: HTMLElement | null = null; // the message that stays in view while they come

  constructor(
    private readonly api: Api,
    private readonly said: Said,
    private language: Language,
  ) {
    this.newest = h("button", {
      type: "button",
      class: "newest",
      hidden: true,
      onclick: () => this.toEnd(),
    });
    // Without a tabindex of its own, some browsers make what scrolls a tab stop besides.
    const log = { class: "log", part: "log", role: "group", tabindex: -1 };
    this.root = h("div", log, this.list);
    this.root.addEventListener("keydown", (event) => this.walk(event));
    this.root.addEventListener("focusin", ({ target }) => {
      if (target !== this.root) this.stopAt(target as HTMLElement);
    });
    this.root.addEventListener("scroll", () => this.noteScroll(), { passive: true });
    // The field below may grow, or a line about the connection appear.
    new ResizeObserver(() => this.following && this.follow()).observe(this.root);
    this.relabel(wordsOf(language), language);
  }

  /** What floats above the messages' end; the panel places it. */
  get toNewest(): HTMLElement {
    return this.newest;
  }

  /** Whether the visitor has said anything. */
  get hasSpoken(): boolean {
    for (const { message } of this.shown.values()) if (message.role === "visitor") return true;
    return false;
  }

  relabel(words: Words, language: Language): void {
    this.language = language;
    this.root.setAttribute("aria-label", words.log);
    this.newest.replaceChildren(icon("M12 5v14m-6-6l6 6 6-6"), words.newest);
    for (const { message, node } of this.shown.values()) {
      if (message.language === language) node.removeAttribute("lang");
      else node.lang = message.language;
    }
  }

  /** Show a message, or show it again as it is now. One that is `pending` stays last until it has
   * arrived. */
  show(message: Message, pending = false): HTMLElement {
    const old = this.shown.get(message.id);
    const follow = (message.role === "visitor" && !old) || this.following;
    const atEnd = this.isAtEnd();
    const node = card(message, this.language, this.api, {
      choose: (from, choice) => this.choose(from, choice),
      back: (from) => this.goBack(from),
      rate: (from, helpful) => this.rate(from, helpful),
    });
    node.classList.toggle("pending", pending);
    const hadFocus = old?.node.contains(this.focused) ?? false;
    if (old) old.node.replaceWith(node);
    else this.list.insertBefore(node, pending ? null : this.list.querySelector(".pending"));
    this.shown.set(message.id, { message, node });
    this.noteChoices(message);
    this.rove(node);
    if (hadFocus) node.focus({ preventScroll: true });
    this.moveAnchor(message, node, old?.node, atEnd);
    if (follow) this.follow();
    else if (!old) this.newest.hidden = false;
    return node;
  }

  /** Say beside a message of the visitor how it stands. */
  mark(id: string, state: "unsent" | "failed", words: string): void {
    const node = this.shown.get(id)?.node;
    node?.querySelector(".state")?.remove();
    node?.classList.toggle("failed", state === "failed");
    if (state === "failed") node?.classList.remove("pending");
    node?.append(h("p", { class: "state" }, words));
    if (this.following) this.follow();
  }

  clear(): void {
    this.shown.clear();
    this.list.replaceChildren();
    this.current = null;
    this.anchor = null;
    this.following = true;
    this.newest.hidden = true;
  }

  toEnd(): void {
    this.root.scrollTop = this.root.scrollHeight;
    this.newest.hidden = true;
  }

  private choose(message: Message, choice: Choice): void {
    const button = this.buttonOf(choice.id);
    if (!button || isDisabled(button)) return;
    if (isOnceOnly(message)) this.markUsed(choice.id);
    this.said.choice(choice);
  }

  /** Press a thumb, or let go of the one that is pressed. */
  private rate({ id }: Message, pressed: boolean): void {
    const shown = this.shown.get(id);
    if (!shown) return;
    const helpful = shown.message.helpful === pressed ? null : pressed;
    shown.message = { ...shown.message, helpful };
    for (const thumb of shown.node.querySelectorAll<HTMLElement>(".thumb")) {
      thumb.setAttribute("aria-pressed", String(thumb.dataset.helpful === String(helpful)));
    }
    this.said.rate(shown.message, helpful);
  }

  private goBack(message: Message): void {
    const button = this.shown.get(message.id)?.node.querySelector<HTMLElement>(".back");
    if (!button || isDisabled(button)) return;
    this.disable(this.shown.get(message.id)?.node);
    this.said.back();
  }

  /** Close what was chosen, in this message or by it; open what the assistant gave up on. */
  private noteChoices(message: Message): void {
    for (const { id, used } of message.choices ?? [])
      if (used || this.isMade(id)) this.markUsed(id);
    if (message.choice) this.markUsed(message.choice);
    if (message.kind === "notice") this.openUnanswered();
  }

  /** Close a choice that was made, and those beside it, where they are good once. */
  markUsed(id: string): void {
    const button = this.buttonOf(id);
    const message = this.messageOf(button);
    const node = message && this.shown.get(message.id)?.node;
    if (!button || !node || !isOnceOnly(message) || button.classList.contains("used")) return;
    this.open(node); // another tab may have been faster
    this.disable(node);
    const said = h("span", { class: "chosen" }, icon(CHECK), wordsOf(message.language).chosen);
    button.append(" ", said);
    button.classList.add("used");
  }

  /** Open again the choices of a message, because the one that was made was not taken. */
  reopen(choiceId: string): void {
    const button = this.buttonOf(choiceId);
    if (!button?.classList.contains("used") || this.isMade(choiceId)) return; // made in another tab
    this.open(button.closest("article"));
  }

  /** Whether a message that has arrived made the choice. */
  private isMade(choiceId: string): boolean {
    return [...this.shown.values()].some(({ message }) => message.choice === choiceId);
  }

  /** Open again what was chosen since the assistant last answered. */
  private openUnanswered(): void {
    for (const { message, node } of [...this.shown.values()].reverse()) {
      if (message.choice) this.open(this.buttonOf(message.choice)?.closest("article"));
      if (message.role === "visitor" || message.kind === "notice") continue;
      if (!node.querySelector(".used")) this.open(node); // the way back was taken
      return;
    }
  }

  private open(node: Element | null | undefined): void {
    for (const button of node?.querySelectorAll<HTMLElement>(".choice") ?? []) {
      button.removeAttribute("aria-disabled");
      button.classList.remove("used");
      button.querySelector(".chosen")?.remove();
    }
  }

  private disable(node: HTMLElement | undefined): void {
    for (const button of node?.querySelectorAll(".choice") ?? []) {
      button.setAttribute("aria-disabled", "true");
    }
  }

  private buttonOf(choiceId: string): HTMLElement | null {
    return this.list.querySelector(`[data-choice="${CSS.escape(choiceId)}"]`);
  }

  private messageOf(button: HTMLElement | null): Message | undefined {
    const id = button?.closest<HTMLElement>("[data-id]")?.dataset.id;
    return id === undefined ? undefined : this.shown.get(id)?.message;
  }

  // Keyboard: a message, its links and its buttons are stops of one walk.

  private stops(): HTMLElement[] {
    const all = this.list.querySelectorAll<HTMLElement>("article, article a, article button");
    return [...all].filter((stop) => !isDisabled(stop) || stop === this.current);
  }

  /** Give the tab stop to a new message, unless the visitor is walking right now. */
  private rove(node: HTMLElement): void {
    for (const stop of node.querySelectorAll<HTMLElement>("a, button")) stop.tabIndex = -1;
    if (this.current?.isConnected && this.root.contains(this.focused)) return;
    this.stopAt(node);
  }

  private get focused(): Element | null {
    return (this.root.getRootNode() as ShadowRoot).activeElement ?? null;
  }

  private stopAt(stop: HTMLElement): void {
    if (this.current) this.current.tabIndex = -1;
    this.current = stop;
    stop.tabIndex = 0;
  }

  private walk(event: KeyboardEvent): void {
    const stops = this.stops();
    const at = this.current ? stops.indexOf(this.current) : -1;
    const next = {
      ArrowDown: stops[at + 1],
      ArrowUp: stops[at - 1],
      Home: stops[0],
      End: stops[stops.length - 1],
    }[event.key];
    if (!next || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    next.focus();
  }

  // Scrolling

  private isAtEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.root;
    return scrollHeight - scrollTop - clientHeight < CLOSE;
  }

  /** The visitor's own last message stays in view; once it was read past, the newest does. */
  private moveAnchor(
    message: Message,
    node: HTMLElement,
    old: HTMLElement | undefined,
    atEnd: boolean,
  ): void {
    const passed = atEnd && !!this.anchor && this.anchor.offsetTop < this.root.scrollTop;
    const mine = message.role === "visitor";
    if (mine || !this.anchor || old === this.anchor || passed) this.anchor = node;
  }

  /** Where new messages leave off: the end, but never past the anchor. */
  private target(): number {
    const end = this.root.scrollHeight - this.root.clientHeight;
    return this.anchor ? Math.min(end, this.anchor.offsetTop - MARGIN) : end;
  }

  private follow(): void {
    this.following = true;
    this.newest.hidden = true;
    this.root.scrollTop = Math.max(this.root.scrollTop, this.target());
  }

  private noteScroll(): void {
    this.following = this.root.scrollTop >= this.target() - CLOSE;
    if (this.following) this.newest.hidden = true;
  }
}

function isDisabled(node: Element): boolean {
  return node.getAttribute("aria-disabled") === "true";
}
