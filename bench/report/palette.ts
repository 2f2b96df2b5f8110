/**
 * Colours as CSS variables, so that one drawing serves light and dark pages. Those of the series
 * are told apart with each of the common kinds of colour blindness (Okabe and Ito), lightened for
 * dark paper.
 */

interface Shades {
  readonly light: string;
  readonly dark: string;
}

const shades: Readonly<Record<string, Shades>> = {
  paper: { light: "#ffffff", dark: "#14171c" },
  panel: { light: "#f6f7f9", dark: "#1c2027" },
  ink: { light: "#1f2430", dark: "#e6e8ec" },
  soft: { light: "#5b6270", dark: "#a3aab8" },
  line: { light: "#dfe2e8", dark: "#333944" },
  s0: { light: "#0072b2", dark: "#4aa8e0" },
  s1: { light: "#d55e00", dark: "#f0813c" },
  s2: { light: "#009e73", dark: "#2fc79a" },
  s3: { light: "#b4558b", dark: "#dd93bd" },
  s4: { light: "#c98500", dark: "#f0b440" },
  s5: { light: "#3d9ad1", dark: "#8ccdf5" },
  s6: { light: "#5b6270", dark: "#a3aab8" },
};

const seriesColors = Object.keys(shades).filter((name) => /^s\d$/.test(name));
const seriesSymbols = ["circle", "diamond", "triangle", "rect"];

export const ink = "var(--ink)";
export const softInk = "var(--soft)";
export const gridLine = "var(--line)";
export const paper = "var(--paper)";

/** How the series at a place is drawn: colours begin anew where there are more series. */
export function seriesStyle(at: number): { readonly color: string; readonly symbol: string } {
  return {
    color: `var(--${seriesColors[at % seriesColors.length]})`,
    symbol: seriesSymbols[at % seriesSymbols.length] ?? "circle",
  };
}

function declarations(shade: keyof Shades): string {
  return Object.entries(shades)
    .map(([name, both]) => `--${name}:${both[shade]}`)
    .join(";");
}

/** The variables, which follow what the reader's system prefers. */
export const paletteCss = [
  `:root{color-scheme:light dark;${declarations("light")}}`,
  `@media (prefers-color-scheme:dark){:root{${declarations("dark")}}}`,
].join("");

export const fontStack = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif";
