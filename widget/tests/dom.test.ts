import { expect, test, vi } from "vitest";
import { h, icon, svg } from "../src/dom";

test("an element has its attributes and its children, in order", () => {
  const node = h("p", { class: "said", title: "a" }, "one ", h("b", {}, "two"), " three");
  expect(node.outerHTML).toBe('<p class="said" title="a">one <b>two</b> three</p>');
});

test("attributes that are null, undefined or false are left out, true is an empty one", () => {
  const node = h("button", { a: null, b: undefined, c: false, d: true, e: 0, f: "" });
  expect(node.outerHTML).toBe('<button d="" e="0" f=""></button>');
});

test("children that are null, undefined, false or empty are left out", () => {
  expect(h("p", {}, null, undefined, false, "").childNodes).toHaveLength(0);
});

test("a text is text, whatever it looks like", () => {
  const node = h("p", {}, '<img src=x onerror="alert(1)">&amp;');
  expect(node.children).toHaveLength(0);
  expect(node.textContent).toBe('<img src=x onerror="alert(1)">&amp;');
});

test("a function listens to the event that its property names", () => {
  const pressed = vi.fn();
  const button = h("button", { onclick: pressed });
  button.click();
  expect(pressed).toHaveBeenCalledOnce();
  expect(button.hasAttribute("onclick")).toBe(false);
});

test("a node of a picture is one of SVG", () => {
  const rect = svg("rect", { width: 100 });
  expect(rect.namespaceURI).toBe("http://www.w3.org/2000/svg");
  expect(rect.getAttribute("width")).toBe("100");
});

test("an icon is drawn with one line and hidden from screen readers", () => {
  const drawn = icon("M0 0h1");
  expect(drawn.getAttribute("aria-hidden")).toBe("true");
  expect(drawn.querySelector("path")?.getAttribute("d")).toBe("M0 0h1");
});
