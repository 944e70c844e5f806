// Making DOM nodes. Text only ever becomes text nodes: nothing here, or anywhere, parses markup.

type Child = Node | string | null | undefined | false;
type Properties = Record<
  string,
  string | number | boolean | null | undefined | ((e: never) => void)
>;

/**
 * An element with attributes, listeners (`onclick: …`) and children. An attribute that is null,
 * undefined or false is left out; true gives an empty one.
 */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const node = document.createElement(name);
  set(node, properties);
  add(node, children);
  return node;
}

/** The same for a node of an SVG picture. */
export function svg(name: string, properties: Properties = {}, ...children: Child[]): SVGElement {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name) as SVGElement;
  set(node, properties);
  add(node, children);
  return node;
}

function set(node: Element, properties: Properties): void {
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") node.addEventListener(key.slice(2), value as EventListener);
    else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(key, value === true ? "" : String(value));
    }
  }
}

function add(node: Element, children: Child[]): void {
  for (const child of children) if (child) node.append(child);
}

/** An icon drawn with one line, of 24 by 24. */
export function icon(path: string): SVGElement {
  const line = svg("path", { d: path });
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, line);
}
