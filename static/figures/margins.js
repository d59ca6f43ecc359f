/** Bars beside the weights, over how many keys each query spreads, and below, what each key receives. Longest is most. */
const version = new URL(import.meta.url).search;
const [{ ui }, { penOf }, { tell }, { MARGIN }] = await Promise.all(
  ["../headlight", "../paint", "./marks", "./sizes"].map((name) => import(`${name}.js${version}`)));

const APART = 4;
const LONG = MARGIN - APART;
// As wide as what they are called.
const NAME = 26;
// Bars wider than this have a gap between them.
const WIDE = 6;

/** Draw both canvases and place their name, or hide them where the panel has no margins. */
export function drawMargins({ view, size, right, below, bars: named }, palette) {
  right.hidden = below.hidden = named.hidden = !view.margins;
  if (!view.margins) return;
  const colour = ui.css(ui.mix(palette.weights, 0.6));
  const { left, top, width, height } = size;
  Object.assign(named.style, { left: `${left + width + MARGIN - NAME}px`, top: `${top + height + APART}px` });
  bars(right, view.margins.spread, { left: left + width + APART, top, width: LONG, height }, colour, true);
  bars(below, view.margins.mean, { left, top: top + height + APART, width, height: LONG }, colour, false);
}

function bars(canvas, numbers, { left, top, width, height }, colour, sideways) {
  Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  const pen = penOf(canvas, width, height);
  pen.fillStyle = colour;
  const most = Math.max(...numbers, 1e-9);
  const step = (sideways ? height : width) / numbers.length;
  const gap = step > WIDE ? 2 : 0;
  const thick = Math.max(0.5, step - gap);
  numbers.forEach((number, i) => {
    const long = Math.max(number > 0 ? 1 : 0, (number / most) * LONG);
    const start = i * step + gap / 2;
    if (sideways) pen.fillRect(0, start, long, thick);
    else pen.fillRect(start, 0, thick, long);
  });
}

/** Say what a bar stands for, while the pointer is on it. */
export function pointAtBars(state, panel, leave) {
  panel.right.addEventListener("pointermove", (event) => pointRight(state, panel, event));
  panel.below.addEventListener("pointermove", (event) => pointBelow(state, panel, event));
  for (const canvas of [panel.right, panel.below]) canvas.addEventListener("pointerleave", () => leave(state));
}

function pointRight(state, panel, event) {
  const { spread } = panel.view.margins;
  const box = panel.right.getBoundingClientRect();
  const query = placeIn((event.clientY - box.top) / box.height, spread.length);
  const name = nameOf(state, "query", "queries", query);
  state.store.say("hover", { query, key: null, from: "figures" });
  tell(state, panel, { row: query, column: panel.view.z.shape[1] - 1 }, [
    line(name, ` spreads over ${ui.number(spread[query], 3)} tokens`), line("exp(entropy) of its weights: as many, if it looked evenly"),
  ]);
}

function pointBelow(state, panel, event) {
  const { received, asked, mean } = panel.view.margins;
  const box = panel.below.getBoundingClientRect();
  const key = placeIn((event.clientX - box.left) / box.width, mean.length);
  const name = nameOf(state, "key", "keys", key);
  state.store.say("hover", { query: null, key, from: "figures" });
  tell(state, panel, { row: panel.view.z.shape[0] - 1, column: key }, [
    line(name, ` receives ${ui.number(received[key], 3)} in all`), line(`from ${asked[key]} queries that may look: ${ui.decimals(mean[key], 3)} each`),
  ]);
}

const line = (...parts) => ui.make("div", {}, ...parts);
const nameOf = ({ shown }, kind, side, index) => ui.make("b", { class: `hl-${kind}` }, ...ui.named(ui.namesOf(shown.run.tokens[side]), index));
const placeIn = (share, count) => Math.max(0, Math.min(count - 1, Math.floor(share * count)));
