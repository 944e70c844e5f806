// What a page looks like, measured in it: sizes, colours, what is cut off. tests/appearance.py loads
// this and calls it. Each function gives sentences about what is wrong.
window.appearance = (() => {
  const CONTROLS = "button, textarea, input, select, a.button";
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });

  function* everything(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* everything(element.shadowRoot);
    }
  }

  const shown = (within) => {
    const root = document.querySelector(within);
    const found = [root, ...everything(root.shadowRoot ?? root)];
    return found.filter((element) => isShown(element));
  };

  function isShown(element) {
    if (!element.checkVisibility({ visibilityProperty: true })) return false;
    if (element.closest(".hidden")) return false;
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1;
  }

  /** What can be used: no page behind a modal dialog, nothing that is off. */
  function usable(within, selector) {
    const all = shown(within);
    const modal = all.find((element) => element.matches(":modal"));
    const open = all.filter((element) => !modal || modal.contains(element));
    return open.filter((element) => element.matches(selector) && !isOff(element));
  }

  const above = (element) => element.parentElement ?? element.getRootNode().host ?? null;

  const isOff = (element) => element.getAttribute("aria-disabled") === "true";

  const named = (element) => {
    const said = element.getAttribute("aria-label") ?? element.innerText ?? element.placeholder ?? "";
    const kind = [element.localName, ...element.classList].join(".");
    return `${kind} "${said.trim().replace(/\s+/g, " ").slice(0, 40)}"`;
  };

  // Colours, as [red, green, blue, opacity]

  function rgba(css) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = css;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  const over = (top, under) =>
    [0, 1, 2].map((at) => top[at] * top[3] + under[at] * (1 - top[3])).concat(1);

  function ground(element) {
    const layers = [];
    for (let at = element; at; at = above(at)) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reduceRight((under, top) => over(top, under), [255, 255, 255, 1]);
  }

  function contrast(one, other) {
    const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (lighter + 0.05) / (darker + 0.05);
  }

  function luminance(color) {
    const [red, green, blue] = color.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  const seenAs = (color, on) => contrast(over(rgba(color), on), on);

  const says = (element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());

  /** Text that stands out too little from what it is written on. */
  function weakTexts(within, least) {
    const weak = [];
    for (const element of shown(within)) {
      const asks = element.localName === "textarea" && !element.value;
      if (!says(element) && !asks) continue;
      const style = getComputedStyle(element, asks ? "::placeholder" : null);
      const ratio = seenAs(style.color, ground(element));
      if (ratio < least) weak.push(`${named(element)}: text at ${ratio.toFixed(2)}`);
    }
    return weak;
  }

  /** Controls whose bounds stand out too little, if they are more than their words. One that floats
   * over a page is known by its words: what is around it is not ours. */
  function weakEdges(within, least) {
    const weak = [];
    for (const element of usable(within, CONTROLS)) {
      if (getComputedStyle(element).position === "fixed") continue;
      const outside = ground(above(element));
      const { borderTopColor, borderTopWidth } = getComputedStyle(element);
      const line = Number.parseFloat(borderTopWidth) > 0 ? seenAs(borderTopColor, outside) : 1;
      const fill = contrast(ground(element), outside);
      const best = Math.max(line, fill);
      if (best > 1.01 && best < least) weak.push(`${named(element)}: edge at ${best.toFixed(2)}`);
    }
    return weak;
  }

  /** What can have the focus and does not show it well enough; the keyboard must have been used. */
  function weakRings(within, least) {
    const weak = [];
    for (const element of shown(within)) {
      if (element.tabIndex < 0 && !element.closest("article")) continue;
      element.focus({ preventScroll: true });
      if (element.getRootNode().activeElement !== element) continue;
      const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(element);
      const drawn = outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
      const around = [ground(above(element))];
      const halo = /^(.+?\)) 0px 0px 0px [2-9]px/.exec(boxShadow);
      if (halo) around.push(rgba(halo[1]));
      const best = Math.max(...around.map((color) => seenAs(outlineColor, color)));
      if (!drawn || best < least) weak.push(`${named(element)}: focus at ${best.toFixed(2)}`);
    }
    return weak;
  }

  /** Controls smaller than `least`, and links that stand alone and are lower than `link`. */
  function smallTargets(within, least, link) {
    const small = [];
    const check = (element, wanted) => {
      const { width, height } = element.getClientRects()[0];
      if (Math.min(width, height) < wanted - 0.5)
        small.push(`${named(element)}: ${Math.round(width)} by ${Math.round(height)}`);
    };
    for (const element of usable(within, CONTROLS)) check(element, least);
    for (const element of usable(within, "a:not(.button)"))
      if (!says(element.parentElement)) check(element, link);
    return small;
  }

  /** What does not fit into its place: into the window, a box that cuts it, or a control. */
  function cutOff(within) {
    const cut = [];
    const { clientWidth } = document.documentElement;
    for (const element of shown(within)) {
      const { overflowX, overflowY } = getComputedStyle(element);
      const { left, right, top, bottom } = element.getBoundingClientRect();
      if (left < -0.5 || right > clientWidth + 0.5) cut.push(`${named(element)}: beside the window`);
      if (overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1)
        cut.push(`${named(element)}: wider than its box`);
      if (overflowY === "hidden" && element.scrollHeight > element.clientHeight + 1)
        cut.push(`${named(element)}: higher than its box`);
      if (!element.matches("button, a.button")) continue;
      const text = document.createRange();
      text.selectNodeContents(element);
      const words = text.getBoundingClientRect();
      const fits = [words.left >= left - 1, words.right <= right + 1];
      if (![...fits, words.top >= top - 1, words.bottom <= bottom + 1].every(Boolean))
        cut.push(`${named(element)}: its words are larger`);
    }
    if (document.documentElement.scrollWidth > clientWidth) cut.push("the page scrolls sideways");
    return [...new Set(cut)];
  }

  /** Controls that scrolling does not bring to where they can be hit, and those covered by others. */
  async function outOfReach(within) {
    const lost = [];
    for (const element of usable(within, `${CONTROLS}, a`)) {
      if (isShown(element)) element.scrollIntoView({ block: "nearest" });
      if (!isShown(element) || element.contains(hitOn(element))) continue;
      for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
      if (!isShown(element)) continue; // the page has taken note of the scrolling
      const hit = hitOn(element);
      if (!element.contains(hit)) lost.push(`${named(element)}: ${hit ? named(hit) : "nothing"} is hit`);
    }
    return lost;
  }

  function hitOn(element) {
    const [{ left, top, width, height }] = element.getClientRects();
    return element.getRootNode().elementFromPoint(left + width / 2, top + height / 2);
  }

  /** Controls without a line around them, where a person's own colours leave nothing but lines. */
  function borderless(within) {
    return usable(within, CONTROLS)
      .filter((element) => {
        const { borderTopStyle, borderTopWidth, borderTopColor } = getComputedStyle(element);
        const drawn = borderTopStyle !== "none" && Number.parseFloat(borderTopWidth) >= 1;
        return !drawn || seenAs(borderTopColor, ground(above(element))) < 3;
      })
      .map(named);
  }

  return { weakTexts, weakEdges, weakRings, smallTargets, cutOff, outOfReach, borderless };
})();
