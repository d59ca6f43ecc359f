/** What a cell of a head's panels says, to the reader and to the other views, and what they point at here. */
const version = new URL(import.meta.url).search;
const [{ ui }, { layerOf }, { stageOf }, row, { readout }, spans, marks] = await Promise.all(
  ["../headlight", "../look", "../cells", "../row", "../readout", "../spans", "./marks"].map((name) => import(`${name}.js${version}`)));
const sentences = readout(ui, { exponentials: row.exponentials, titlesOf: row.titlesOf, stageOf, layerOf });

const placeOf = ({ shown }, { view, name }, cell) => spans.placeOf(view, cell, name, shown.head);

/** One tip and marks, nothing else: this happens at every cell that the pointer comes to. */
export function reveal(state, panel, cell) {
  const place = placeOf(state, panel, cell);
  state.store.say("hover", { query: place.query, key: place.key ?? null, from: "figures" });
  marks.overCells(panel.marks.cell, panel, cell);
  marks.tell(state, panel, cell, sentences(state.shown, panel, place));
}

export function leave({ store }) {
  store.say("hover", null);
}

export function pin(state, panel, cell, event) {
  const { store } = state;
  store.pin(placeOf(state, panel, cell).query, { several: store.isSeveral(event) });
}

/** What copying a cell gives: query, key or dimension, and the number itself. */
export function partsOf(state, panel, cell) {
  const { tokens } = state.shown.run;
  const { query, key, dimension, sink, value } = placeOf(state, panel, cell);
  const other = sink ? "sink" : dimension === undefined ? ui.namesOf(tokens.keys)[key] : `dimension ${dimension}`;
  return [ui.namesOf(tokens.queries)[query], other, Number.isNaN(value) ? "masked" : value];
}

/** The row and column that are pointed at, wherever on the page; what was said of a cell here ends with another's word. */
export function mark(state, at) {
  const own = at?.from === "figures";
  const query = state.pins.includes(at?.query) ? null : at?.query ?? null;
  for (const panel of state.panels.values()) {
    if (!panel.view) continue;
    marks.overRow(panel.marks.row, panel, query);
    marks.overColumn(panel.marks.column, panel, panel.name === "values" ? null : at?.key ?? null);
    if (!own || state.over?.panel !== panel) marks.hide(panel.marks.cell);
  }
  if (own) return;
  state.tip.hidden = true;
  state.over = null;
}
