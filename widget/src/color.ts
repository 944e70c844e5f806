// An accent colour that a website chose, made readable: what to write on it, the shade of it that may
// be written with, and whether it needs an edge to be seen (WCAG 2.2, 1.4.3 and 1.4.11).

const HEX = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i;
const READABLE = 4.5;
const VISIBLE = 3;
const STEPS = 20; // from a colour to black or white

type Rgb = [number, number, number];

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

/** What colours are seen on in a theme: the panel, and the cards in it. */
export interface Ground {
  panel: string;
  card: string;
}

/** The custom properties that follow from an accent such as "#0b5c6b"; all null when it is no colour. */
export function accentProperties(
  accent: string | null,
  light: Ground,
  dark: Ground,
): Record<string, string | null> {
  const color = parse(accent ?? "");
  const on = color && contrast(color, WHITE) >= READABLE ? WHITE : BLACK;
  return {
    "--_accent": color && format(color),
    "--_on-accent": color && format(on),
    "--_accent-light": color && readable(color, light.card, BLACK),
    "--_accent-dark": color && readable(color, dark.card, WHITE),
    "--_edge-light": color && edge(color, light.panel),
    "--_edge-dark": color && edge(color, dark.panel),
  };
}

/** The contrast ratio of two colours, from 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

export function parse(text: string): Rgb | null {
  const digits = HEX.exec(text.trim())?.[1];
  if (!digits) return null;
  const full = digits.length === 3 ? [...digits].map((digit) => digit + digit).join("") : digits;
  return [0, 2, 4].map((at) => Number.parseInt(full.slice(at, at + 2), 16)) as Rgb;
}

/** The colour, with as little of `toward` in it as makes it readable on a background. */
function readable(color: Rgb, on: string, toward: Rgb): string {
  const ground = parse(on) ?? WHITE;
  for (let step = 0; step < STEPS; step++) {
    const mixed = color.map((part, at) =>
      Math.round(part + ((toward[at] as number) - part) * (step / STEPS)),
    ) as Rgb;
    if (contrast(mixed, ground) >= READABLE) return format(mixed);
  }
  return format(toward);
}

function edge(color: Rgb, on: string): string {
  return contrast(color, parse(on) ?? WHITE) >= VISIBLE ? "transparent" : "var(--_line)";
}

function format(color: Rgb): string {
  return `#${color.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
