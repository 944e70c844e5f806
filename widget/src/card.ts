// One message as an element: who says it, its text, and the card of its kind.
import type { Api } from "./api";
import { h, icon, svg } from "./dom";
import { link, markdown } from "./markdown";
import type { Answer, Choice, Coach, Message, Result, Source } from "./message";
import { fill, type Language, type Words, wordsOf } from "./words";

export const CHECK = "M5 13l4 4L19 7";
const BACK = "M15 6l-6 6 6 6";
const PRINT = "M7 9V4h10v5M7 17H4v-6h16v6h-3M7 14h10v6H7z";
export const SAVE = "M12 4v11m-4-4l4 4 4-4M5 20h14";
const UP =
  "M7 11v9H4v-9zm0 0l4-7c1.3 0 2.2 1 2 2.3L12.6 10H18a2 2 0 0 1 2 2.4l-1.2 6A2 2 0 0 1 16.8 20H7";
const DOWN =
  "M7 13V4H4v9zm0 0l4 7c1.3 0 2.2-1 2-2.3L12.6 14H18a2 2 0 0 0 2-2.4l-1.2-6A2 2 0 0 0 16.8 4H7";
const FACTS = ["reasons", "languages", "regions", "topics", "levels"] as const;

export interface Chosen {
  /** A choice of the assistant. */
  choose(message: Message, choice: Choice): void;
  /** The way back to the question before. */
  back(message: Message): void;
  /** What an answer was, in the visitor's eyes. */
  rate(message: Message, helpful: boolean): void;
}

/** A message to be shown in a page of `language`; buttons call `chosen`. */
export function card(message: Message, language: Language, api: Api, chosen: Chosen): HTMLElement {
  const words = wordsOf(message.language);
  const mine = message.role === "visitor";
  const who = mine ? words.you : speaker(message, words);
  const node = h(
    "article",
    {
      class: `message ${message.role} ${message.kind}`,
      part: `message message-${message.role}`,
      lang: message.language === language ? null : message.language,
      tabindex: -1,
      "data-id": message.id,
    },
    h("p", { class: mine ? "hidden" : "who" }, who),
    message.question && progress(message.question, words),
    ...body(message, words, chosen),
    message.faq?.sources.length ? sources(message.faq.sources, words) : null,
    message.faq && rating(message, words, chosen),
    message.result && result(message.result, api, words),
    choices(message, words, chosen),
  );
  return node;
}

/** Who says a message that is not the visitor's. */
export function speaker({ role, staff }: Message, words: Words): string {
  return role === "staff" && staff ? fill(words.staff, { name: staff.name }) : words.assistant;
}

function body(message: Message, words: Words, chosen: Chosen): HTMLElement[] {
  if (message.role === "visitor") return [h("p", { class: "said" }, message.text)];
  const blocks = markdown(message.text, words.newTab);
  if (!message.coaches) return blocks;
  // In place of the list of coaches, which says less, their cards.
  const [first, ...rest] = blocks.filter((block) => block.localName !== "ul");
  return [...(first ? [first] : []), ...coaches(message, words, chosen), ...rest];
}

function progress(question: NonNullable<Message["question"]>, words: Words): HTMLElement {
  const said = fill(words.question, { number: question.number, of: question.of });
  const bar = h("progress", { value: question.number, max: question.of, "aria-label": said });
  return h("p", { class: "progress" }, h("span", {}, said), bar);
}

function sources(items: Source[], words: Words): HTMLElement {
  const entries = items.map(({ title, url }) =>
    h("li", {}, link(title, url, words.newTab) ?? title),
  );
  return h(
    "div",
    { class: "sources", part: "sources" },
    h("p", {}, words.sources),
    h("ul", {}, ...entries),
  );
}

function rating(message: Message, words: Words, chosen: Chosen): HTMLElement {
  const thumb = (helpful: boolean, path: string, said: string, help: string) =>
    h(
      "button",
      {
        type: "button",
        class: "thumb",
        part: "thumb",
        "aria-label": help,
        "aria-pressed": String(message.helpful === helpful),
        "data-helpful": String(helpful),
        onclick: () => chosen.rate(message, helpful),
      },
      icon(path),
      said,
    );
  return h(
    "div",
    { class: "rating", part: "rating", role: "group", "aria-label": words.rating },
    thumb(true, UP, words.helpful, words.helpfulHelp),
    thumb(false, DOWN, words.unhelpful, words.unhelpfulHelp),
  );
}

function result(found: Result, api: Api, words: Words): HTMLElement {
  return h(
    "div",
    { class: "outcome", part: "result" },
    found.answers?.length && found.score !== null ? answers(found.answers, words) : null,
    found.url ? keep(api.url(found.url), words) : null,
  );
}

function answers(items: Answer[], words: Words): HTMLElement {
  const rows = items.map(({ title, points, of }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, title),
      h("td", {}, bar(points, of), h("span", {}, fill(words.points, { points, of }))),
    ),
  );
  const head = h(
    "tr",
    { class: "hidden" },
    h("th", { scope: "col" }, words.answersQuestion),
    h("th", { scope: "col" }, words.answersPoints),
  );
  return h(
    "table",
    {},
    h("caption", {}, words.answers),
    h("thead", {}, head),
    h("tbody", {}, ...rows),
  );
}

function bar(points: number, of: number): SVGElement {
  const width = (100 * points) / of;
  return svg(
    "svg",
    { viewBox: "0 0 100 8", class: "bar", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { width: 100, height: 8, class: "track" }),
    svg("rect", { width, height: 8, class: "fill" }),
  );
}

function keep(url: string, words: Words): HTMLElement {
  const newTab = h("span", { class: "hidden" }, ` ${words.newTab}`);
  return h(
    "p",
    { class: "keep" },
    h(
      "a",
      { href: url, target: "_blank", rel: "noopener", class: "button" },
      icon(PRINT),
      words.resultPage,
      newTab,
    ),
    h("a", { href: `${url}?download=1`, class: "button" }, icon(SAVE), words.resultDownload),
  );
}

function coaches(message: Message, words: Words, chosen: Chosen): HTMLElement[] {
  return (message.coaches ?? []).map((coach, at) => {
    const contact = contactOf(message, at);
    return h(
      "section",
      { class: "coach", part: "coach" },
      h(
        "p",
        { class: "name" },
        (coach.url && link(coach.name, coach.url, words.newTab)) || coach.name,
      ),
      coach.bio ? h("p", {}, coach.bio) : null,
      h("dl", {}, ...FACTS.flatMap((fact) => factOf(coach, fact, words))),
      contact ? button(message, contact, chosen) : null,
    );
  });
}

function factOf(coach: Coach, fact: (typeof FACTS)[number], words: Words): HTMLElement[] {
  const said = coach.facts?.[fact];
  return said ? [h("div", {}, h("dt", {}, words[fact]), h("dd", {}, said))] : [];
}

/** The choice that contacts a coach: they come first, in the order of the coaches. */
function contactOf({ coaches, choices }: Message, at: number): Choice | undefined {
  const [coach, choice] = [coaches?.[at], choices?.[at]];
  return coach && choice?.title.endsWith(coach.name) ? choice : undefined;
}

function choices(message: Message, words: Words, chosen: Chosen): HTMLElement | null {
  const left = (message.choices ?? []).filter((_, at) => !contactOf(message, at));
  const buttons = left.map((choice) => button(message, choice, chosen));
  if ((message.question?.number ?? 1) > 1 && message.kind === "question") {
    buttons.push(back(message, words, chosen));
  }
  if (!buttons.length) return null;
  const title = message.result ? h("p", { class: "who" }, words.nextSteps) : null;
  const stacked = message.kind === "question" || message.kind === "clarify";
  return h("div", { class: `choices ${stacked ? "stacked" : ""}` }, title, ...buttons);
}

function button(message: Message, choice: Choice, chosen: Chosen): HTMLElement {
  return h(
    "button",
    {
      type: "button",
      class: "choice",
      part: "choice",
      "data-choice": choice.id,
      onclick: () => chosen.choose(message, choice),
    },
    choice.title,
  );
}

function back(message: Message, words: Words, chosen: Chosen): HTMLElement {
  return h(
    "button",
    { type: "button", class: "choice back", part: "choice", onclick: () => chosen.back(message) },
    icon(BACK),
    words.back,
  );
}
