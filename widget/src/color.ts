// An accent colour that a website chose, made readable: what to write on it, and where it may be
// written with (WCAG 2.2, 1.4.3 and 1.4.11).

const HEX = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i;
const READABLE = 4.5;

export const ACCENT_PROPERTIES = [
  "--_accent",
  "--_on-accent",
  "--_accent-light",
  "--_accent-dark",
] as const;

type Rgb = [number, number, number];

/** The custom properties that follow from an accent such as "#0b5c6b"; none when it is no colour. */
export function accentProperties(
  accent: string | null,
  light: string,
  dark: string,
): Partial<Record<(typeof ACCENT_PROPERTIES)[number], string>> {
  const color = parse(accent ?? "");
  if (!color) return {};
  const on = contrast(color, [255, 255, 255]) >= READABLE ? "#ffffff" : "#000000";
  return {
    "--_accent": format(color),
    "--_on-accent": on,
    "--_accent-light": isReadable(color, light) ? format(color) : "inherit",
    "--_accent-dark": isReadable(color, dark) ? format(color) : "inherit",
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

function isReadable(color: Rgb, on: string): boolean {
  const background = parse(on);
  return background !== null && contrast(color, background) >= READABLE;
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
