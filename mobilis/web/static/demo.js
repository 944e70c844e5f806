// The demo page's chat: fetch for requests, a fetch stream for events, DOM nodes for everything.
"use strict";

const KEY = "mobilis-demo";
const $ = (id) => document.getElementById(id);
const chat = $("chat");
const words = chat.dataset;
const list = $("messages");
const shown = new Map(); // message id → its element

let memory = null; // when localStorage is blocked
let stream = null;

function load() {
  try { return JSON.parse(localStorage.getItem(KEY)); } catch { return memory; }
}
function save(session) {
  memory = session;
  try {
    if (session) localStorage.setItem(KEY, JSON.stringify(session));
    else localStorage.removeItem(KEY);
  } catch { /* kept in memory only */ }
}

function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

// ---- the Markdown subset: paragraphs, lists, bold, italic, links ----
const INLINE = /\*\*(.+?)\*\*|\*(?!\s)([^*\n]+?)\*|(?<![\p{L}\p{N}])_([^_\n]+?)_(?![\p{L}\p{N}])|\[([^\]\n]+)\]\(([^()\s]+)\)/u;

function inline(text) {
  const nodes = [];
  for (let match; (match = INLINE.exec(text)); text = text.slice(match.index + match[0].length)) {
    nodes.push(text.slice(0, match.index));
    const [whole, bold, star, underscore, title, url] = match;
    if (bold) nodes.push(element("strong", {}, ...inline(bold)));
    else if (title) nodes.push(link(title, url) ?? whole);
    else nodes.push(element("em", {}, ...inline(star ?? underscore)));
  }
  return [...nodes, text];
}
function link(title, url) {
  let parsed;
  try { parsed = new URL(url); } catch { return null; }
  if (!["https:", "mailto:", "tel:"].includes(parsed.protocol)) return null;
  return element("a", { href: parsed.href, target: "_blank", rel: "noopener noreferrer" }, title);
}
function markdown(text) {
  const blocks = [];
  let open = null; // the list or paragraph that the next line may continue
  for (const line of text.split("\n")) {
    const item = /^\s*(?:[-*•]|(\d+)[.)])\s+(.*)$/.exec(line);
    if (!line.trim()) { open = null; continue; }
    if (item) {
      const name = item[1] ? "OL" : "UL";
      if (open?.tagName !== name) blocks.push(open = element(name, item[1] ? { start: item[1] } : {}));
      open.append(element("li", {}, ...inline(item[2])));
    } else if (open?.tagName === "P") open.append(element("br"), ...inline(line));
    else blocks.push(open = element("p", {}, ...inline(line)));
  }
  return blocks;
}

// ---- messages ----
function show(message) {
  const old = shown.get(message.id);
  const mine = message.role === "visitor";
  const node = element("div", { className: `message ${message.role}`, lang: message.language });
  node.append(element("p", { className: "who" }, words[message.role]));
  if (message.question) {
    const { number, of } = message.question;
    const text = words.question.replace("{number}", number).replace("{of}", of);
    node.append(element("p", {}, text), element("progress", { value: number, max: of, ariaLabel: text }));
  }
  node.append(...(mine ? [element("p", {}, message.text)] : markdown(message.text)));
  if (message.faq?.sources?.length) node.append(sources(message.faq.sources));
  for (const coach of message.coaches ?? []) node.append(coachCard(coach));
  if (message.choices?.length) node.append(choices(message));
  if (old) old.replaceWith(node); else list.append(node);
  shown.set(message.id, node);
  node.scrollIntoView({ block: "nearest" });
}
function sources(items) {
  const entries = items.map(({ title, url }) => element("li", {}, link(title, url) ?? title));
  return element("div", { className: "sources" }, words.sources, element("ul", {}, ...entries));
}
function coachCard({ name, url, languages = [], regions = [], topics = [], levels = [] }) {
  const facts = [...languages, ...regions, ...topics, ...levels].join(" · ");
  return element("p", {}, element("strong", {}, (url && link(name, url)) || name), element("br"), facts);
}
function choices(message) {
  const once = ["question", "form", "clarify"].includes(message.kind);
  const group = element("div", { className: "choices" });
  for (const choice of message.choices) {
    const button = element("button", { type: "button" }, choice.title);
    if (choice.used) disable(group, button);
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled")) return;
      send({ choice: choice.id }, choice.title).then((sent) => sent && once && disable(group, button));
    });
    group.append(button);
  }
  if (message.choices.some((choice) => choice.used)) disable(group);
  return group;
}
function disable(group, chosen) {
  if (chosen) chosen.append(` (${words.chosen})`);
  for (const button of group.children) button.setAttribute("aria-disabled", "true");
}
const say = (text) => { $("status").textContent = text; };
const recovered = () => { if ($("status").textContent === words.offline) say(""); };

// ---- the chat API ----
async function call(path, { session, ...options } = {}) {
  const headers = { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang };
  if (session) headers.Authorization = `Bearer ${session.token}`;
  const response = await fetch(`api/conversations${path}`, { headers, ...options });
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw Object.assign(new Error(body?.error?.message ?? words.offline), { status: response.status });
}
async function open() {
  const body = JSON.stringify({ language: document.documentElement.lang, page: location.href });
  const { conversation, token, messages } = await (await call("", { method: "POST", body })).json();
  const session = { conversation, token };
  save(session);
  messages.forEach(show);
  listen(session, messages.at(-1)?.id);
}
async function resume(session) {
  const { messages } = await (await call(`/${session.conversation}/messages`, { session })).json();
  messages.forEach(show);
  $("consent").hidden = messages.some(({ role }) => role === "visitor");
  listen(session, messages.at(-1)?.id);
}
async function send(content, text) {
  const session = load();
  if (!session) return false;
  const id = crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("-");
  say("");
  show({ id, role: "visitor", language: document.documentElement.lang, text });
  $("consent").hidden = true;
  const options = { session, method: "POST", body: JSON.stringify({ id, ...content }) };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await call(`/${session.conversation}/messages`, options);
      recovered();
      return true;
    } catch (error) { // the same id again is the same message
      if (attempt < 5 && (!error.status || error.status === 503)) {
        say(words.offline);
        await new Promise((done) => setTimeout(done, 1000 * attempt));
        continue;
      }
      say(error.message);
      shown.get(id)?.classList.add("failed");
      return false;
    }
  }
}
async function listen(session, last) {
  const controller = new AbortController();
  stream?.abort();
  stream = controller;
  while (!controller.signal.aborted) {
    try {
      const query = last ? `?after=${encodeURIComponent(last)}` : "";
      const response = await call(`/${session.conversation}/events${query}`, { session, signal: controller.signal });
      recovered();
      for await (const { id, event, data } of events(response.body)) {
        if (event === "message") show(data);
        if (event === "typing") say(data.on ? words.typing : "");
        if (event === "error") say(data.message);
        last = id || last;
      }
    } catch (error) {
      if (controller.signal.aborted) return;
      if (error.status === 401) { save(null); return; }
      say(words.offline);
    }
    await new Promise((done) => setTimeout(done, 2000));
  }
}
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (let part; !(part = await reader.read()).done;) {
    const blocks = (buffer + part.value).split("\n\n");
    buffer = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
      if (fields.data) yield { ...fields, data: JSON.parse(fields.data) };
    }
  }
}

// ---- the page ----
async function start() {
  const session = load();
  try {
    await (session ? resume(session) : open());
  } catch (error) {
    if (session && error.status === 401) { save(null); return start(); }
    say(error.status ? error.message : words.offline);
    setTimeout(start, 5000);
  }
}
$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value;
  if (!text.trim()) return;
  $("text").value = "";
  if (!await send({ text }, text) && !$("text").value) $("text").value = text;
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("form").requestSubmit();
});
$("forget").addEventListener("click", async () => {
  const session = load();
  try {
    if (session) await call(`/${session.conversation}`, { session, method: "DELETE" });
  } catch (error) {
    if (error.status !== 401) { say(error.message); return; }
  }
  stream?.abort();
  save(null);
  shown.clear();
  list.replaceChildren();
  $("consent").hidden = false;
  await start();
  say(words.erased);
});
$("download").addEventListener("click", async () => {
  const session = load();
  if (!session) return;
  try {
    const blob = await (await call(`/${session.conversation}/transcript.txt`, { session })).blob();
    const anchor = element("a", { href: URL.createObjectURL(blob), download: "transcript.txt" });
    anchor.click();
    URL.revokeObjectURL(anchor.href);
  } catch (error) { say(error.message); }
});
start();
