/** Colours and words of signed numbers: one scale with 0 in its middle, and a true minus. */
const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

const ROUND = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** Where colours end on both sides of 0: the largest of all these numbers without its sign, rounded up; 1 where there is none. */
export function limitOf(...arrays) {
  const most = Math.max(0, ...arrays.flatMap((values) => Array.from(values ?? [], Math.abs).filter(Number.isFinite)));
  if (most === 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return unit * ROUND.find((one) => one * unit >= most * (1 - 1e-9));
}

/** The colour [r, g, b] of a share of the limit, −1 … 1; what lies beyond has the colour of the end. */
export const colourOf = (palette, share) => ui.mix(palette.scores, (Math.max(-1, Math.min(1, share)) + 1) / 2);

/** A number with its sign; 0 has none. */
export function signed(value, count = 2) {
  const text = ui.decimals(value, count);
  return value > 0 && !text.startsWith("<") ? `+${text}` : text;
}

/** As `signed`, in as many letters as a cell has room for. */
export const short = (value) => signed(value, Math.abs(value) >= 9.95 ? 0 : Math.abs(value) >= 0.995 ? 1 : 2).replace(/^([+−]?)0\./, "$1.");

/** The legend of a scale: words of both ends around its colours, and what a hatched cell is. */
export function legendOf(palette, low, high) {
  const bar = ui.make("i", { class: "ramp" });
  bar.style.background = `linear-gradient(90deg, ${palette.scores.map(([, colour]) => colour).join(",")})`;
  return [ui.make("span", {}, low), bar, ui.make("span", {}, high)];
}
