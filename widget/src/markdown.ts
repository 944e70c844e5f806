// The Markdown subset of the chat API, as DOM nodes: paragraphs, lists, bold, italic, links.
import { h } from "./dom";

const SAFE = ["https:", "mailto:", "tel:"];
const WORD = "[\\p{L}\\p{N}]";
const INLINE = new RegExp(
  [
    "\\*\\*(.+?)\\*\\*",
    "\\*(?!\\s)([^*\\n]+?)\\*",
    `_([^_\\n]+?)_(?!${WORD})`,
    "\\[([^[\\]\\n]+)\\]\\(([^()\\s]+)\\)",
  ].join("|"),
  "u",
);
const ENDS_IN_WORD = new RegExp(`${WORD}$`, "u");
const END_OF_LINE = /\r\n|[\n\r\u2028\u2029]/;
const ITEM = /^\s*(?:[-*•]|(\d+)[.)])\s+(.*)$/;

/** The blocks of a text: `<p>`, `<ul>` and `<ol>`. */
export function markdown(text: string, newTab: string): HTMLElement[] {
  const blocks: HTMLElement[] = [];
  let open: HTMLElement | null = null; // the list or paragraph that the next line may continue
  for (const line of text.split(END_OF_LINE)) {
    const item = ITEM.exec(line);
    if (!line.trim()) {
      open = null;
    } else if (item) {
      const name = item[1] ? "ol" : "ul";
      const list: HTMLElement =
        open?.localName === name
          ? open
          : h(name, { start: item[1] && item[1] !== "1" ? item[1] : null });
      if (list !== open) blocks.push(list);
      list.append(h("li", {}, ...inline(item[2] ?? "", newTab)));
      open = list;
    } else if (open?.localName === "p") {
      open.append(h("br"), ...inline(line, newTab));
    } else {
      open = h("p", {}, ...inline(line, newTab));
      blocks.push(open);
    }
  }
  return blocks;
}

function inline(text: string, newTab: string): (Node | string)[] {
  const nodes: (Node | string)[] = [];
  let rest = text;
  for (let match = INLINE.exec(rest); match; match = INLINE.exec(rest)) {
    const [whole, bold, star, underscore, title, url] = match;
    const before = rest.slice(0, match.index);
    rest = rest.slice(match.index + whole.length);
    nodes.push(before);
    if (bold) nodes.push(h("strong", {}, ...inline(bold, newTab)));
    else if (title && url) nodes.push(link(title, url, newTab) ?? whole);
    else if (underscore && ENDS_IN_WORD.test(before))
      nodes.push(whole); // as in snake_case_name
    else nodes.push(h("em", {}, ...inline(star ?? underscore ?? "", newTab)));
  }
  nodes.push(rest);
  return nodes.filter((node) => node !== "");
}

/** A link that opens beside the page, or null when its address is of no safe kind. */
export function link(title: string, url: string, newTab: string): HTMLAnchorElement | null {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return null;
  }
  if (!SAFE.includes(parsed.protocol)) return null;
  const beside = parsed.protocol === "https:";
  return h(
    "a",
    { href: parsed.href, target: beside && "_blank", rel: beside && "noopener noreferrer" },
    title,
    beside && h("span", { class: "hidden" }, ` ${newTab}`),
  );
}
