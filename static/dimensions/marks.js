/** What is pinned, what is chosen and what is under the pointer, on strips and bars; and its numbers in words. */
const version = new URL(import.meta.url).search;
const [{ ui }, { pinsOf }, { place }, { unitAt }, { readoutOf }] = await Promise.all(
  ["../headlight", "../look", "./grid", "./products", "./words"].map((name) => import(`${name}.js${version}`)));
// Pixels left of the bars for their names.
export const GUTTER = 62;

export function mark(state) {
  if (!state.vectors) return;
  const one = unitAt(state);
  const pins = pinsOf(state.shown.look);
  const { query, key } = state.pair;
  const rows = pins.map((row) => [row, "pin"]);
  markStrip(state, "query", one, pins.includes(query) ? rows : [...rows, [query, "asks"]]);
  markStrip(state, "key", one, [[key, "chosen"]]);
  markBars(state, one);
  // Who points elsewhere hears it there.
  state.readout.setAttribute("aria-live", (state.store.last("hover")?.from ?? "dimensions") === "dimensions" ? "polite" : "off");
  state.readout.textContent = readoutOf(state, one);
}

/** The columns of a unit, the rows [row, kind], and the very cell where the pointer is on this strip. */
function markStrip({ strips, vectors, cell }, side, one, rows) {
  const { shape } = vectors[side];
  const made = (one?.dims ?? []).map((dim) => box(shape, "column", null, dim));
  for (const [row, kind] of rows) if (row < shape[0]) made.push(box(shape, kind, row, null));
  if (cell?.side === side) made.push(box(shape, "cell", cell.row, cell.column));
  strips[side].marks.replaceChildren(...made);
}

function box(shape, kind, row, column) {
  const element = ui.make("i", { class: kind });
  place(element, shape, row, column);
  return element;
}

function markBars({ bars: { band }, made, width }, one) {
  band.hidden = !one;
  if (!one) return;
  const step = (width - GUTTER) / made.order.length;
  Object.assign(band.style, { left: `${GUTTER + made.order.indexOf(one) * step}px`, width: `${step}px` });
}
