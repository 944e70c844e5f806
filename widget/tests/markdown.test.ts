import { expect, test } from "vitest";
import { h } from "../src/dom";
import { link, markdown } from "../src/markdown";

/** Milliseconds of work so far: unlike the clock, they do not count what else the machine does. */
function worked(): number {
  const { process } = globalThis as unknown as { process: { cpuUsage(): { user: number } } };
  return process.cpuUsage().user / 1000;
}

function html(text: string): string {
  return h("div", {}, ...markdown(text, "(new tab)")).innerHTML;
}

test("paragraphs are parted by an empty line, lines by a break", () => {
  expect(html("one\ntwo\n\nthree\n \nfour")).toBe("<p>one<br>two</p><p>three</p><p>four</p>");
});

test("whatever ends a line, a line ends there", () => {
  expect(html("one\r\ntwo\r\n\r\n- a\r\n- b\r\n")).toBe(
    "<p>one<br>two</p><ul><li>a</li><li>b</li></ul>",
  );
});

test("a list is bulleted by a hyphen, a star or a bullet", () => {
  expect(html("- one\n* two\n  • three")).toBe("<ul><li>one</li><li>two</li><li>three</li></ul>");
});

test("a numbered list begins with its first number", () => {
  expect(html("1. one\n2) two")).toBe("<ol><li>one</li><li>two</li></ol>");
  expect(html("3. three\n4. four")).toBe('<ol start="3"><li>three</li><li>four</li></ol>');
});

test("a list ends where a paragraph or another kind of list begins", () => {
  expect(html("before\n- a\nafter\n1. b\n- c")).toBe(
    "<p>before</p><ul><li>a</li></ul><p>after</p><ol><li>b</li></ol><ul><li>c</li></ul>",
  );
});

test("a number or a hyphen within a line begins no list", () => {
  expect(html("-5 degrees\n2.5 points\nleft - right")).toBe(
    "<p>-5 degrees<br>2.5 points<br>left - right</p>",
  );
});

test("two stars are bold, one star or underscores are italic", () => {
  expect(html("**a** *b* _c_")).toBe("<p><strong>a</strong> <em>b</em> <em>c</em></p>");
});

test("italic and links may stand in bold, bold's neighbours stay as they are", () => {
  expect(html("x**a *b* _c_ [d](tel:1)**y")).toBe(
    '<p>x<strong>a <em>b</em> <em>c</em> <a href="tel:1">d</a></strong>y</p>',
  );
});

test("marks in list items count, and never reach over the end of a line", () => {
  expect(html("- **a**\n- *b\n- c*")).toBe(
    "<ul><li><strong>a</strong></li><li>*b</li><li>c*</li></ul>",
  );
  expect(html("**a\nb**")).toBe("<p>**a<br>b**</p>");
});

test.each(["snake_case_name", "_private_name", "a_b_ and c_d", "é_é_é", "1_000_000"])(
  "the underscores of %s are letters",
  (text) => {
    expect(html(text)).toBe(`<p>${text}</p>`);
  },
);

test.each([
  "**",
  "****",
  "* *",
  "2 * 3 * 4",
  "**a",
  "a**",
  "*a",
  "_a",
  "__",
  "[a]",
  "[a](",
  "[](b)",
  "[a]()",
])("marks that have no partner stay as they are: %s", (text) => {
  expect(h("div", {}, ...markdown(`x${text}`, "")).textContent).toBe(`x${text}`);
  expect(html(`x${text}`)).not.toContain("<em>");
});

test("a link to a website opens beside the page, says so, and tells it nothing", () => {
  expect(html("[CRA](https://canada.ca/a?b=1&c=2)")).toBe(
    '<p><a href="https://canada.ca/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer">CRA' +
      '<span class="hidden"> (new tab)</span></a></p>',
  );
});

test("a link to an address or a number to call opens in place", () => {
  expect(html("[us](mailto:a@example.org)")).toBe('<p><a href="mailto:a@example.org">us</a></p>');
  expect(html("[call](tel:+15145550100)")).toBe('<p><a href="tel:+15145550100">call</a></p>');
});

test.each([
  "javascript:alert%281%29",
  "JaVaScRiPt:alert`1`",
  "java\u0001script:alert`1`",
  "data:text/html,<script>alert`1`</script>",
  "vbscript:x",
  "blob:https://example.org/x",
  "file:///etc/passwd",
  "http://example.org",
  "//example.org",
  "/here",
  "#there",
  "https:",
])("a link to %s is no link", (url) => {
  expect(link("x", url, "")).toBeNull();
  const [block] = markdown(`see [x](${url}) there`, "");
  expect(block?.querySelector("a")).toBeNull();
  expect(block?.textContent).toBe(`see [x](${url}) there`);
});

test.each([
  "<img src=x onerror=alert(1)>",
  "<script>alert(1)</script>",
  "**<b onclick=x>**",
  "- <svg/onload=alert(1)>",
  "[<i>a</i>](https://example.org/<b>)",
  "&lt;b&gt;",
])("markup stays text: %s", (text) => {
  const found = markdown(text, "").flatMap((block) => [block, ...block.querySelectorAll("*")]);
  const names = new Set(found.map(({ localName }) => localName));
  for (const name of ["p", "ul", "li", "strong", "a", "span"]) names.delete(name);
  expect([...names]).toEqual([]);
});

test("a quotation mark in an address stays inside the attribute", () => {
  const address = link("x", 'https://example.org/"onmouseover="alert', "");
  expect(address?.getAttributeNames()).toEqual(["href", "target", "rel"]);
});

test("an empty text is nothing", () => {
  expect(html("")).toBe("");
  expect(html(" \n\n ")).toBe("");
});

test.each([
  "[",
  "[a](",
  "**",
  "*a",
  "_a",
  "_ ",
  "** [a](b",
  "- ",
  " ",
  "[a](https://example.org) ",
  "**a** ",
  "a_b_c",
  "\n",
  "1. \n",
])(
  "a very long text of %j is read in no time",
  (part) => {
    const begin = worked();
    markdown(`x${part.repeat(60_000 / part.length)}`, "");
    markdown(`- ${part.repeat(60_000 / part.length)}\u2028x`, "");
    expect(worked() - begin).toBeLessThan(4_000);
  },
  60_000,
);
