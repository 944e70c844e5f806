// The panel that opens: a header, the messages, how things stand, the field to write in, the tools.
// It knows how it looks and what was pressed; what that means is the element's business.

import { SAVE } from "./card";
import { h, icon } from "./dom";
import { fill, type Language, otherLanguage, type Words, wordsOf } from "./words";

const CLOSE = "M6 6l12 12M18 6L6 18";
const SEND = "M4 12l16-8-6 16-3-7z";
const RESTART = "M5 12a7 7 0 1 0 2-5M5 4v4h4";
const FORGET = "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13";
const PHONE = "(max-width: 480px), (max-height: 480px)";
const FITS = ["resize", "scroll"]; // what a visual viewport tells
const ZOOMED = 1.05; // by two fingers
const TYPING_MS = 400;
const NEARLY_FULL = 0.9; // of the longest text: from here on, the count is shown

export interface Pressed {
  send(text: string): void;
  typed(text: string): void;
  close(): void;
  language(): void;
  restart(): void;
  forget(): void;
  download(): void;
}

/** What the line of consent needs: days (0: no end, null: unknown) and the privacy page. */
export interface Consent {
  days: number | null;
  privacy: string;
}

export class Panel {
  readonly root: HTMLDialogElement;
  readonly input: HTMLTextAreaElement;
  private readonly title = h("h2", { id: "title" });
  private readonly subtitle = h("p", { class: "subtitle", id: "subtitle" });
  private readonly languageButton: HTMLButtonElement;
  private readonly closeButton: HTMLButtonElement;
  private readonly typing = h("p", { class: "typing", hidden: true, "aria-hidden": "true" });
  private readonly status = h("div", { class: "status", part: "status", role: "status" });
  private readonly consent = h("p", { class: "consent", part: "consent" });
  private readonly label = h("label", { class: "hidden", for: "text" });
  private readonly count = h("p", { class: "count", id: "count" });
  private readonly sendButton: HTMLButtonElement;
  private readonly tools: Record<"restart" | "forget" | "download", HTMLButtonElement>;
  private readonly question = h("p", { id: "forget-question" });
  private readonly yes: HTMLButtonElement;
  private readonly no: HTMLButtonElement;
  private readonly asking: HTMLElement;
  private readonly hint = h("p", { class: "hint", "aria-hidden": "true" });
  private readonly form: HTMLFormElement;
  private readonly phone = matchMedia(PHONE);
  private typingTimer = 0;
  private person = ""; // of the team, who answers
  private readonly fitting = () => this.fit();
  private readonly remodelling = () => this.remodel();

  constructor(
    private readonly pressed: Pressed,
    log: HTMLElement,
    newest: HTMLElement,
    live: HTMLElement,
    public limit: () => number,
  ) {
    const button = (name: string, onclick: () => void) =>
      h("button", { type: "button", class: name, part: name, onclick });
    this.languageButton = button("language", pressed.language);
    this.closeButton = button("close", pressed.close);
    this.input = h("textarea", {
      id: "text",
      part: "input",
      rows: 1,
      autocomplete: "off",
      "aria-describedby": "count",
      oninput: () => this.noteTyped(),
      onkeydown: (event: KeyboardEvent) => this.sendOnEnter(event),
    });
    this.sendButton = h("button", { type: "submit", class: "send", part: "send" });
    this.form = h(
      "form",
      { novalidate: true, onsubmit: (event: Event) => this.submit(event) },
      this.label,
      this.input,
      this.sendButton,
    );
    this.tools = {
      restart: button("tool", pressed.restart),
      forget: button("tool", () => this.ask(true)),
      download: button("tool", pressed.download),
    };
    this.yes = button("choice", () => {
      this.ask(false);
      pressed.forget();
    });
    this.no = button("choice", () => this.ask(false));
    this.asking = h(
      "div",
      { class: "asking", role: "group", "aria-labelledby": "forget-question", hidden: true },
      this.question,
      this.yes,
      this.no,
    );
    const { restart, forget, download } = this.tools;
    this.root = h(
      "dialog",
      { class: "panel", part: "panel", id: "panel", "aria-labelledby": "title subtitle" },
      h(
        "header",
        { part: "header" },
        h("div", {}, this.title, this.subtitle),
        this.languageButton,
        this.closeButton,
      ),
      log,
      live,
      h(
        "div",
        { class: "bottom" },
        h("div", { class: "below" }, newest, this.hint, this.typing, this.status),
        h(
          "footer",
          { part: "footer" },
          this.consent,
          this.form,
          this.count,
          this.asking,
          h("div", { class: "tools", part: "tools" }, restart, forget, download),
        ),
      ),
    );
    this.root.addEventListener("keydown", (event) => this.closeOnEscape(event));
    this.root.addEventListener("cancel", (event) => {
      event.preventDefault(); // what Escape does to a modal dialog by itself
      pressed.close();
    });
  }

  /** Open it; as a page of its own on a phone, beside the page elsewhere. */
  show(focus: boolean): void {
    if (this.root.open) return;
    const before = document.activeElement as HTMLElement | null;
    this.appear();
    if (focus) this.input.focus();
    else if (!this.phone.matches) this.leaveFocus(before);
    for (const event of FITS) window.visualViewport?.addEventListener(event, this.fitting);
    this.phone.addEventListener("change", this.remodelling);
    this.fit();
    this.grow();
  }

  /** Give back the focus that a dialog takes when it opens. */
  private leaveFocus(before: HTMLElement | null): void {
    const taken = (this.root.getRootNode() as ShadowRoot).activeElement as HTMLElement | null;
    taken?.blur();
    before?.focus({ preventScroll: true });
  }

  hide(): void {
    for (const event of FITS) window.visualViewport?.removeEventListener(event, this.fitting);
    this.phone.removeEventListener("change", this.remodelling);
    this.root.close();
  }

  relabel(language: Language): void {
    const words = wordsOf(language);
    const other = otherLanguage(language);
    this.title.textContent = words.title;
    this.languageButton.textContent = words.other;
    this.languageButton.lang = other;
    this.setPerson(this.person);
    name(this.closeButton, CLOSE, "", words.close);
    this.label.textContent = words.label;
    this.input.placeholder = words.label;
    name(this.sendButton, SEND, "", words.send);
    name(this.tools.restart, RESTART, words.restart, words.restartHelp);
    name(this.tools.forget, FORGET, words.forget, words.forgetHelp);
    name(this.tools.download, SAVE, words.download, words.downloadHelp);
    this.question.textContent = words.forgetQuestion;
    this.yes.textContent = words.forgetYes;
    this.no.textContent = words.forgetNo;
    this.typing.textContent = words.typing;
    this.hint.textContent = words.hint;
    this.noteLength(words);
  }

  /** Say who answers: a person of the team, or the assistant when there is none. */
  setPerson(name: string): void {
    this.person = name;
    const { withPerson, subtitle } = this.words;
    this.subtitle.textContent = name ? fill(withPerson, { name }) : subtitle;
  }

  /** Say that an answer is being made, when it is not there at once: what flashes is only noise. */
  setTyping(on: boolean): void {
    clearTimeout(this.typingTimer);
    if (!on) this.typing.hidden = true;
    else this.typingTimer = window.setTimeout(() => (this.typing.hidden = false), TYPING_MS);
  }

  /** What stands above the field; `contact` is offered with it when there is one. */
  setStatus(text: string, contact?: HTMLElement | null): void {
    this.status.replaceChildren(text);
    if (text && contact) this.status.append(" ", contact);
  }

  /** The line of consent, until something was said. */
  setConsent(consent: Consent | null, words: Words): void {
    this.consent.hidden = consent === null;
    if (!consent) return;
    const { days, privacy } = consent;
    const kept =
      days === null
        ? words.consentUnknown
        : days
          ? fill(words.consent, { days })
          : words.consentUnlimited;
    const link = h(
      "a",
      { href: privacy, target: "_blank", rel: "noopener" },
      words.privacy,
      h("span", { class: "hidden" }, ` ${words.newTab}`),
    );
    this.consent.replaceChildren(kept, " ", link);
  }

  /** Put a text into the field, if nothing is being written there. */
  restore(text: string): void {
    if (!this.input.value) this.input.value = text;
    this.noteTyped();
  }

  private ask(on: boolean): void {
    this.asking.hidden = !on;
    (on ? this.no : this.tools.forget).focus();
  }

  private submit(event: Event): void {
    event.preventDefault();
    const text = this.input.value;
    if (!text.trim()) return;
    if ([...text].length > this.limit()) return; // the count says so
    this.input.value = "";
    this.noteTyped();
    this.pressed.send(text);
  }

  private sendOnEnter(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  private closeOnEscape(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.asking.hidden) this.pressed.close();
    else this.ask(false);
  }

  private noteTyped(): void {
    this.pressed.typed(this.input.value);
    this.grow();
    this.noteLength(this.words);
  }

  private get words(): Words {
    return wordsOf(this.languageButton.lang === "fr" ? "en" : "fr");
  }

  /** The field is as high as its text, up to what the style allows. */
  private grow(): void {
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight + 2}px`;
  }

  private noteLength(words: Words): void {
    const length = [...this.input.value].length;
    const limit = this.limit();
    const tooLong = length > limit;
    this.input.setAttribute("aria-invalid", String(tooLong));
    this.count.classList.toggle("error", tooLong);
    if (tooLong) this.count.setAttribute("role", "alert");
    else this.count.removeAttribute("role");
    const count = length > limit * NEARLY_FULL ? `${length} / ${limit}` : "";
    const said = tooLong ? fill(words.tooLong, { limit }) : count;
    if (this.count.textContent !== said) this.count.textContent = said; // an alert is said once
  }

  private appear(): void {
    if (this.phone.matches) this.root.showModal();
    else this.root.show();
  }

  /** The window has become as small as a phone's, or no longer is: a page that is covered is inert. */
  private remodel(): void {
    const active = (this.root.getRootNode() as ShadowRoot).activeElement as HTMLElement | null;
    const before = document.activeElement as HTMLElement | null;
    this.root.close();
    this.appear();
    if (this.root.contains(active)) active?.focus({ preventScroll: true });
    else if (!this.phone.matches) this.leaveFocus(before);
  }

  /** On a phone, end where the on-screen keyboard begins; but stay as it is under a magnifying zoom. */
  private fit(): void {
    const seen = window.visualViewport;
    const follows = seen && seen.scale <= ZOOMED;
    this.root.style.setProperty("--_seen", follows ? `${seen.height}px` : null);
    this.root.style.setProperty("--_seen-top", follows ? `${seen.offsetTop}px` : null);
  }
}

/** An icon, the words beside it, and what it is called when the words alone say too little. */
function name(button: HTMLButtonElement, path: string, words: string, label: string): void {
  button.replaceChildren(icon(path), words);
  if (words !== label) button.setAttribute("aria-label", label);
  if (!words) button.title = label;
}
