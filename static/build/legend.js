/** What the matrices' colours stand for: three scales, each with its ends in words. */

const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

const SCALES = [["scores", "Q, K, scores", "−", "+"], ["values", "X, V, outputs", "−", "+"], ["weights", "weights", "0", "1"]];
const POINTS = [0, 0.25, 0.5, 0.75, 1];

/** {root, draw(palette)}. */
export function legend() {
  const bars = SCALES.map(([scale, words, low, high]) => {
    const bar = ui.make("span", { class: "bar" });
    return { scale, bar, root: ui.make("span", { class: "scale" }, ui.make("span", { class: "what" }, words), ui.make("span", { class: "ends" }, low, bar, high)) };
  });
  const root = ui.make("div", { class: "legend" }, ...bars.map((one) => one.root), ui.make("small", {}, "Each matrix up to its own largest number; point at a cell to read it. Hatched: closed by the mask."));
  return {
    root,
    draw: (palette) => bars.forEach(({ scale, bar }) => {
      bar.style.background = `linear-gradient(90deg, ${POINTS.map((at) => ui.css(ui.mix(palette[scale], at))).join(", ")})`;
    }),
  };
}
