// @vitest-environment node
// The built file as a page loads it: with a script tag, in a window of its own.
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { JSDOM, requestInterceptor, VirtualConsole } from "jsdom";
import { afterEach, beforeAll, expect, test } from "vitest";
import { bundling } from "../build.mjs";
import { equip } from "./browser";

const SCRIPT = "https://door.example/chat/widget.js";
const LINE = `<script defer src="${SCRIPT}"></script>`;
let code;
let opened = [];

beforeAll(async () => {
  const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const { outputFiles } = await esbuild.build(bundling(entry));
  code = outputFiles[0].text;
});
afterEach(() => {
  for (const { window } of opened) window.close();
  opened = [];
});

/** A page of a website, when all of it is loaded: its window, its requests, what went wrong in it. */
async function load(html, lacking = () => {}) {
  const asked = [];
  const faults = [];
  const virtualConsole = new VirtualConsole();
  virtualConsole.on("jsdomError", (error) => faults.push(error.message));
  virtualConsole.on("error", (text) => faults.push(text));
  const page = new JSDOM(`<!doctype html><html lang="en">${html}</html>`, {
    url: "https://site.example/page?a=1",
    runScripts: "dangerously",
    virtualConsole,
    resources: {
      interceptors: [
        requestInterceptor(
          () => new Response(code, { headers: { "Content-Type": "text/javascript" } }),
        ),
      ],
    },
    beforeParse(window) {
      equip(window);
      window.performance.getEntriesByType = () => [{ type: "navigate" }];
      window.fetch = async (address, { body }) => {
        asked.push({ address, body: body && JSON.parse(body) });
        const opening = { conversation: "c1", token: "t", messages: [] };
        return new Response(JSON.stringify(opening), { status: 200 });
      };
      lacking(window);
    },
  });
  opened.push(page);
  const { window } = page;
  if (window.document.readyState !== "complete") {
    await new Promise((done) => window.addEventListener("load", done));
  }
  const chats = () => [...window.document.querySelectorAll("mobilis-chat")];
  return { window, document: window.document, chats, asked, faults };
}

function click(window, node, init = {}) {
  const event = new window.MouseEvent("click", { bubbles: true, cancelable: true, ...init });
  node.dispatchEvent(event);
  return event;
}

async function later() {
  await new Promise((done) => setTimeout(done, 20));
}

test.each([
  ["in the head, deferred", `<head>${LINE}</head><body><p>Hello</p></body>`],
  [
    "in the head, at once",
    `<head><script src="${SCRIPT}"></script></head><body><p>Hello</p></body>`,
  ],
  ["at the end", `<body><p>Hello</p>${LINE}</body>`],
])("one line %s puts one chat at the end of the page", async (_where, html) => {
  const { document, chats, faults, asked } = await load(html);
  expect(chats()).toHaveLength(1);
  expect(document.body.lastElementChild?.localName).toBe("mobilis-chat");
  expect(chats()[0].shadowRoot).not.toBeNull();
  expect(asked).toEqual([]);
  expect(faults).toEqual([]);
});

test.each([
  ["deferred", LINE],
  ["at once", `<script src="${SCRIPT}"></script>`],
])("the line twice, %s, is one chat", async (_how, line) => {
  const { chats, faults } = await load(`<head>${line}${line}</head><body></body>`);
  expect(chats()).toHaveLength(1);
  expect(faults).toEqual([]);
});

test("an element that the page has is the chat, in its place", async () => {
  const { document, chats } = await load(
    `<body><main><mobilis-chat></mobilis-chat></main>${LINE}</body>`,
  );
  expect(chats()).toHaveLength(1);
  expect(chats()[0].parentElement).toBe(document.querySelector("main"));
  expect(chats()[0].shadowRoot).not.toBeNull();
});

test("the script tag's attributes are the element's, where it has none of its own", async () => {
  const line = LINE.replace(
    "defer",
    'defer data-language="fr" data-position="left" data-accent="#123456"',
  );
  const { chats } = await load(
    `<body><mobilis-chat data-language="en"></mobilis-chat>${line}</body>`,
  );
  expect({ ...chats()[0].dataset }).toEqual({
    language: "en",
    position: "left",
    accent: "#123456",
  });
  expect(chats()[0].lang).toBe("en");
});

test("the front door is where the script comes from", async () => {
  const { chats, asked } = await load(`<body>${LINE}</body>`);
  chats()[0].open();
  await later();
  expect(asked[0]).toEqual({
    address: "https://door.example/chat/api/conversations",
    body: { language: "en", page: "https://site.example/page" },
  });
});

test("a script without an address needs data-server, and works with it", async () => {
  const { chats, asked, faults } = await load(
    `<body><mobilis-chat data-server="https://door.example"></mobilis-chat><script>${code.replaceAll("</", "<\\/")}</script></body>`,
  );
  expect(faults).toEqual([]);
  chats()[0].open();
  await later();
  expect(asked[0]?.address).toBe("https://door.example/api/conversations");
});

test.each([
  [
    "style sheets made by a script",
    (window) => delete window.Document.prototype.adoptedStyleSheets,
  ],
  ["dialogs", (window) => delete window.HTMLDialogElement],
])("a browser without %s has no chat, and the page is as it was", async (_what, lacking) => {
  const { document, chats, faults, window } = await load(
    `<body><a data-mobilis-fallback data-mobilis-open href="#contact">Contact</a>${LINE}</body>`,
    lacking,
  );
  const link = document.querySelector("a");
  expect(chats()).toEqual([]);
  expect(link.style.visibility).toBe("");
  expect(click(window, link).defaultPrevented).toBe(false);
  expect(faults).toEqual([]);
});

test("the page's own buttons open it, whenever they came", async () => {
  const { window, document, chats } = await load(
    `<body><a href="/x" data-mobilis-open><b>Ask</b></a>${LINE}</body>`,
  );
  expect(click(window, document.querySelector("b")).defaultPrevented).toBe(true);
  expect(chats()[0].isOpen).toBe(true);
  chats()[0].close();
  const late = document.createElement("button");
  late.dataset.mobilisOpen = "true"; // as some libraries write an attribute without a value
  document.body.append(late);
  click(window, late);
  expect(chats()[0].isOpen).toBe(true);
});

test("a button with an intent opens the chat on that, one without on nothing", async () => {
  const { window, document, asked } = await load(
    `<body><button data-mobilis-open="true"></button><button data-mobilis-open="find_coach"></button>${LINE}</body>`,
  );
  const [plain, coach] = document.querySelectorAll("button");
  click(window, plain);
  await later();
  expect(asked.map(({ body }) => body?.intent)).toEqual([undefined]);
  click(window, coach);
  await later();
  expect(asked.map(({ body }) => body?.intent)).toEqual([undefined, "find_coach"]);
});

test.each([{ ctrlKey: true }, { metaKey: true }, { shiftKey: true }, { altKey: true }])(
  "a click with %j is the browser's, which opens the link elsewhere or keeps it",
  async (held) => {
    const { window, document, chats } = await load(
      `<body><a href="#x" data-mobilis-open>Ask</a>${LINE}</body>`,
    );
    expect(click(window, document.querySelector("a"), held).defaultPrevented).toBe(false);
    expect(chats()[0].isOpen).toBe(false);
  },
);

test("a click that the page has dealt with, or beside such a button, is none of ours", async () => {
  const { window, document, chats } = await load(
    `<body><a href="#x" data-mobilis-open>Ask</a><p>Text</p>${LINE}</body>`,
  );
  document.querySelector("a").addEventListener("click", (event) => event.preventDefault());
  click(window, document.querySelector("a"));
  expect(click(window, document.querySelector("p")).defaultPrevented).toBe(false);
  expect(chats()[0].isOpen).toBe(false);
});

test("where the chat does not work, a link leads where it leads", async () => {
  const { window, document, chats, faults } = await load(
    `<body><a href="#x" data-mobilis-open>Ask</a><script>${code.replaceAll("</", "<\\/")}</script></body>`,
  );
  expect(click(window, document.querySelector("a")).defaultPrevented).toBe(false);
  expect(faults.join()).toContain("data-server");
  for (const chat of chats()) chat.remove();
  expect(click(window, document.querySelector("a")).defaultPrevented).toBe(false);
});

test("nothing of it is left in the page's own names", async () => {
  const { window } = await load("<body></body>");
  const before = Object.keys(window);
  const { window: after } = await load(`<body>${LINE}</body>`);
  expect(Object.keys(after).filter((name) => !before.includes(name))).toEqual([]);
});
