import { expect, test, vi } from "vitest";
import { type Chosen, card } from "../src/card";
import type { Message } from "../src/message";
import { aMessage, anApi, nothing } from "./messages";

function shown(own: Partial<Message>, chosen: Chosen = nothing): HTMLElement {
  return card(aMessage(own), "en", anApi, chosen);
}

function texts(node: ParentNode, selector: string): string[] {
  return [...node.querySelectorAll(selector)].map((found) => found.textContent?.trim() ?? "");
}

const COACHES: Partial<Message> = {
  kind: "coaches",
  text: "Here they are:\n\n- Ann Roy\n- Bo Li\n\nWhich one?",
  coaches: [
    {
      id: "1",
      name: "Ann Roy",
      bio: "Twenty years of it.",
      url: "https://example.org/ann",
      facts: { languages: "French, English", regions: "Quebec", topics: "", other: "not known" },
    },
    { id: "2", name: "Bo Li", url: "javascript:alert(1)" },
  ],
  choices: [
    { id: "a", title: "Contact Ann Roy" },
    { id: "b", title: "Contact Bo Li" },
    { id: "more", title: "See more" },
  ],
};

test.each([
  ["assistant", "Assistant"],
  ["staff", "Ann Roy, from the program team"],
] as const)("a message of the %s says whose it is", (role, who) => {
  const node = shown({ role, text: "Hello **you**", staff: { name: "Ann Roy" } });
  expect(texts(node, ".who")).toEqual([who]);
  expect(node.querySelector("strong")?.textContent).toBe("you");
  expect(node.getAttribute("part")).toBe(`message message-${role}`);
});

test("a message of the visitor is what was typed, and nothing else", () => {
  const node = shown({ role: "visitor", text: "**a** <b>\n- c" });
  expect(node.querySelector(".said")?.textContent).toBe("**a** <b>\n- c");
  expect(node.querySelector(".said")?.children).toHaveLength(0);
  expect(texts(node, ".hidden")).toEqual(["You"]);
});

test("a message can be focused, and found by its id", () => {
  const node = shown({ id: "m-7" });
  expect(node.tabIndex).toBe(-1);
  expect(node.dataset.id).toBe("m-7");
});

test("a message in the other language than the page's says which", () => {
  expect(shown({ language: "fr" }).lang).toBe("fr");
  expect(shown({ language: "en" }).hasAttribute("lang")).toBe(false);
});

test("the widget's own words on a message are in the message's language", () => {
  const node = shown({ language: "fr", role: "staff", staff: { name: "Ann Roy" } });
  expect(texts(node, ".who")).toEqual(["Ann Roy, de l'équipe du programme"]);
});

test("a question says which one it is, in words and as progress", () => {
  const node = shown({
    kind: "question",
    question: { id: "impact", number: 2, of: 5 },
    choices: [{ id: "a", title: "Very clear" }],
  });
  expect(texts(node, ".progress > span")).toEqual(["Question 2 of 5"]);
  const bar = node.querySelector("progress");
  expect([bar?.value, bar?.max]).toEqual([2, 5]);
  expect(bar?.getAttribute("aria-label")).toBe("Question 2 of 5");
});

test("from the second question on, there is a way back", () => {
  const back = vi.fn();
  const message = { kind: "question", question: { id: "b", number: 2, of: 5 } } as const;
  const node = shown(message, { ...nothing, back });
  node.querySelector<HTMLElement>(".back")?.click();
  expect(back).toHaveBeenCalledOnce();
  const first = shown({ ...message, question: { id: "a", number: 1, of: 5 } });
  expect(first.querySelector(".back")).toBeNull();
});

test("a choice is a button that tells which one was made, of which message", () => {
  const choose = vi.fn();
  const choices = [
    { id: "a", title: "One <b>" },
    { id: "b", title: "Two" },
  ];
  const node = shown({ id: "m", choices }, { ...nothing, choose });
  const [, two] = node.querySelectorAll<HTMLButtonElement>("button");
  expect(texts(node, "button")).toEqual(["One <b>", "Two"]);
  expect([two?.type, two?.dataset.choice, two?.getAttribute("part")]).toEqual([
    "button",
    "b",
    "choice",
  ]);
  two?.click();
  expect(choose).toHaveBeenCalledWith(expect.objectContaining({ id: "m" }), choices[1]);
});

test.each([
  ["question", true],
  ["clarify", true],
  ["text", false],
  ["faq", false],
  ["form", false],
] as const)("the choices of a %s stand one below the other: %s", (kind, stacked) => {
  const node = shown({ kind, choices: [{ id: "a", title: "A" }] });
  expect(node.querySelector(".choices")?.classList.contains("stacked")).toBe(stacked);
});

test("without choices there is nothing for them", () => {
  expect(shown({}).querySelector(".choices")).toBeNull();
  expect(shown({ choices: [] }).querySelector(".choices")).toBeNull();
});

test("an answer lists its sources; what is no safe address is a title only", () => {
  const node = shown({
    kind: "faq",
    faq: {
      id: "cost",
      sources: [
        { title: "CRA", url: "https://canada.ca/" },
        { title: "Odd", url: "javascript:alert(1)" },
      ],
    },
  });
  expect(texts(node, ".sources > p")).toEqual(["Sources"]);
  expect(texts(node, ".sources li")).toEqual(["CRA (new tab)", "Odd"]);
  expect([...node.querySelectorAll("a")].map(({ href }) => href)).toEqual(["https://canada.ca/"]);
});

test("an answer without sources has no list of them", () => {
  expect(
    shown({ kind: "faq", faq: { id: "cost", sources: [] } }).querySelector(".sources"),
  ).toBeNull();
});

test("a result is a table of the answers, with their points in words and as bars", () => {
  const node = shown({
    kind: "result",
    result: {
      band: "ready",
      score: 9,
      of: 15,
      gaps: [],
      url: "/r/abc",
      answers: [
        { question: "impact", title: "Clarity", answer: "Very", points: 3, of: 3 },
        { question: "team", title: "Team", answer: "Some", points: 1, of: 4 },
      ],
    },
    choices: [{ id: "a", title: "Find a coach" }],
  });
  expect(texts(node, "caption")).toEqual(["Your answers"]);
  expect(texts(node, "thead th")).toEqual(["Subject", "Points"]);
  expect(texts(node, "tbody th")).toEqual(["Clarity", "Team"]);
  expect(texts(node, "tbody td")).toEqual(["3 out of 3", "1 out of 4"]);
  const bars = [...node.querySelectorAll("rect.fill")];
  expect(bars.map((bar) => bar.getAttribute("width"))).toEqual(["100", "25"]);
  expect(node.querySelector("svg.bar")?.getAttribute("aria-hidden")).toBe("true");
  expect(texts(node, ".choices > .who")).toEqual(["Next steps"]);
});

test("a result can be printed and downloaded below the front door, and nowhere else", () => {
  const result = { band: "ready", score: 9, of: 15, gaps: [], url: "/r/abc" };
  const links = [...shown({ kind: "result", result }).querySelectorAll("a")];
  expect(links.map(({ href }) => href)).toEqual([
    "https://door.example/r/abc",
    "https://door.example/r/abc?download=1",
  ]);
  expect(links[0]?.rel).toBe("noopener");
  const hostile = shown({ kind: "result", result: { ...result, url: "javascript:alert(1)" } });
  for (const { href } of hostile.querySelectorAll("a"))
    expect(href).toMatch(/^https:\/\/door\.example\//);
});

test("a result of an assessment that ended early has no table, and without an address no links", () => {
  const answers = [{ question: "impact", title: "Clarity", answer: "Very", points: 3, of: 3 }];
  const node = shown({
    kind: "result",
    result: { band: "early", score: null, of: 15, gaps: [], answers },
  });
  expect(node.querySelector("table")).toBeNull();
  expect(node.querySelector("a")).toBeNull();
});

test("coaches are cards, in place of the list of their names", () => {
  const node = shown(COACHES);
  expect(node.querySelector("ul")).toBeNull();
  expect([...node.children].map(({ localName }) => localName)).toEqual([
    "p",
    "p",
    "section",
    "section",
    "p",
    "div",
  ]);
  expect(texts(node, ".coach .name")).toEqual(["Ann Roy (new tab)", "Bo Li"]);
  expect([...node.querySelectorAll("a")].map(({ href }) => href)).toEqual([
    "https://example.org/ann",
  ]);
});

test("a coach's card has the facts that are known, in words", () => {
  const [ann, bo] = shown(COACHES).querySelectorAll(".coach");
  expect(texts(ann as Element, "dt")).toEqual(["Languages", "Regions"]);
  expect(texts(ann as Element, "dd")).toEqual(["French, English", "Quebec"]);
  expect(texts(ann as Element, "p")).toContain("Twenty years of it.");
  expect(texts(bo as Element, "dd")).toEqual([]);
});

test("the button to contact a coach is in the coach's card, the others below", () => {
  const node = shown(COACHES);
  expect(texts(node, ".coach button")).toEqual(["Contact Ann Roy", "Contact Bo Li"]);
  expect(texts(node, ".choices button")).toEqual(["See more"]);
});

test("coaches whose names are alike have their own buttons", () => {
  const node = shown({
    ...COACHES,
    coaches: [
      { id: "1", name: "Jo-Ann Roy" },
      { id: "2", name: "Ann Roy" },
      { id: "3", name: "Ann Roy" },
    ],
    choices: [
      { id: "a", title: "Contact Jo-Ann Roy" },
      { id: "b", title: "Contact Ann Roy" },
      { id: "c", title: "Contact Ann Roy" },
    ],
  });
  const cards = [...node.querySelectorAll(".coach")];
  const buttons = cards.map((coach) => coach.querySelector<HTMLElement>("button")?.dataset.choice);
  expect(buttons).toEqual(["a", "b", "c"]);
  expect(node.querySelector(".choices")).toBeNull();
});

test("a coach without a button has a card without one", () => {
  const { choices: _, ...rest } = COACHES;
  const node = shown(rest);
  expect(node.querySelectorAll(".coach")).toHaveLength(2);
  expect(node.querySelector("button")).toBeNull();
});

test("markup in names, facts and titles stays text", () => {
  const node = shown({
    kind: "coaches",
    text: "<i>",
    coaches: [{ id: "1", name: "<b>", bio: "<u>", facts: { topics: "<s>" } }],
    choices: [{ id: '"]<i>', title: "Contact <b>" }],
  });
  expect(node.querySelector("b, i, u, s")).toBeNull();
});

const ANSWER: Partial<Message> = { kind: "faq", faq: { id: "cost", sources: [] } };

function pressed(node: HTMLElement): (string | null)[] {
  return [...node.querySelectorAll(".thumb")].map((thumb) => thumb.getAttribute("aria-pressed"));
}

test("an answer of the FAQ can be found helpful or not", () => {
  const rate = vi.fn();
  const node = shown(ANSWER, { ...nothing, rate });
  expect(node.querySelector(".rating")?.getAttribute("aria-label")).toBe(
    "Your opinion of this answer",
  );
  expect(texts(node, ".thumb")).toEqual(["Helpful", "Not helpful"]);
  const [up, down] = node.querySelectorAll<HTMLElement>(".thumb");
  expect(up?.getAttribute("aria-label")).toBe("Helpful: this answer helps me");
  up?.click();
  down?.click();
  expect(rate.mock.calls.map(([, helpful]) => helpful)).toEqual([true, false]);
});

test.each([
  [undefined, "false", "false"],
  [null, "false", "false"],
  [true, "true", "false"],
  [false, "false", "true"],
])("what was said of it (%s) is shown as pressed", (helpful, up, down) => {
  expect(pressed(shown({ ...ANSWER, ...(helpful === undefined ? {} : { helpful }) }))).toEqual([
    up,
    down,
  ]);
});

test("nothing else can be rated", () => {
  for (const kind of ["text", "clarify", "notice"] as const) {
    expect(shown({ kind }).querySelector(".rating")).toBeNull();
  }
});
