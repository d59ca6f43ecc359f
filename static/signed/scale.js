/** Colours and words of signed numbers: one scale with 0 in its middle, and a true minus. */
const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

const ROUND = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** Where colours end on both sides of 0: the largest of all these numbers without its sign, rounded up; 1 where there is none. */
export function limitOf(...arrays) {
  const most = Math.max(0, ...arrays.flatMap((values) => Array.from(values ?? [], Math.abs).filter(Number.isFinite)));
  if (most === 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  const limit = unit * ROUND.find((one) => one * unit >= most * (1 - 1e-9));
  return Number(limit.toPrecision(2)); // 1.5 × 0.1 is 0.15000000000000002
}

/** The colour [r, g, b] of a share of the limit, −1 … 1; what lies beyond has the colour of the end. */
export const colourOf = (palette, share) => ui.mix(palette.scores, (Math.max(-1, Math.min(1, share)) + 1) / 2);

/** A number with its sign, see there. */
export const { signed } = ui;

/** As `signed`, in few letters: of large numbers fewer decimals, and a plain 0. */
export function short(value) {
  const size = Math.abs(value);
  const text = signed(value, size >= 99.5 ? 0 : size >= 9.95 ? 1 : 2);
  return Number(text.replace("−", "-")) === 0 ? "0" : text;
}

/** The legend of a scale: words of both ends around its colours, and what a hatched cell is. */
export function legendOf(palette, low, high) {
  const bar = ui.make("i", { class: "ramp" });
  bar.style.background = `linear-gradient(90deg, ${palette.scores.map(([, colour]) => colour).join(",")})`;
  return [ui.make("span", {}, low), bar, ui.make("span", {}, high)];
}
