/** One table of True and False, and what three libraries let a query see by it. */

const version = new URL(import.meta.url).search;
const [{ grid }, { button, choices }, { panel }] = await Promise.all(
  ["../../draw/grid", "../../draw/inputs", "../../draw/panel"].map((name) => import(`${name}.js${version}`)));

const N = 4;
const CELL = [58, 32];
/** What True, or 1, means in each: whether the key takes part. */
const LIBRARIES = {
  module: ["nn.MultiheadAttention", false], function: ["scaled_dot_product_attention", true], transformers: ["attention_mask of transformers", true],
};
const PLACES = Array.from({ length: N }, (_, i) => `key ${i}`);

export default function ({ root, settings, context }) {
  const state = { library: settings.library, table: lower() };
  const controls = (draw) => [
    choices({ label: "given to", options: Object.entries(LIBRARIES).map(([name, [words]]) => [name, words]), value: state.library, change: (library) => { state.library = library; draw(); } }),
    button("Lower triangle of True", () => { state.table = lower(); draw(); }),
    button("Turn all round", () => { state.table = state.table.map((row) => row.map((one) => !one)); draw(); }),
  ];
  const compute = () => {
    const open = state.table.map((row) => row.map((one) => one === LIBRARIES[state.library][1]));
    const later = open.some((row, i) => row.some((one, j) => one && j > i));
    return { open, facts: { open: open.flat().filter(Boolean).length, first: open[0].filter(Boolean).length, last: open[N - 1].filter(Boolean).length, leaks: later ? 1 : 0, empty: open.filter((row) => !row.some(Boolean)).length,
      sees: later ? 1 : 0 } };
  };
  const paint = (made, palette) => ({ shapes: [seenBy(made, state, palette)], given: [givenMask(state, palette, (row, column) => {
    state.table = state.table.map((line, i) => line.map((one, j) => (i === row && j === column ? !one : one)));
    figure.draw();
  })], words: wordsOf(made.facts, state) });
  const figure = panel({ root, context, controls, compute, paint });
  return figure;
}

const lower = () => Array.from({ length: N }, (_, i) => Array.from({ length: N }, (__, j) => j <= i));

const ROWS = PLACES.map((_, i) => `query ${i}`);

function givenMask({ table }, palette, press) {
  return grid({ values: table.map((row) => row.map(Number)), rows: ROWS, columns: PLACES, title: "the mask as given: 1 is True", digits: 0, cell: CELL, palette, press,
    label: `The mask: ${table.map((row) => row.map((one) => (one ? "True" : "False")).join(" ")).join("; ")}.` });
}

function seenBy({ open }, { library }, palette) {
  return grid({ values: open.map((row) => row.map(Number)), rows: ROWS, columns: PLACES, title: `what ${LIBRARIES[library][0]} lets through`, cell: CELL, palette, masked: (i, j) => !open[i][j],
    label: `Open cells: ${open.map((row, i) => `query ${i} sees ${row.filter(Boolean).length} keys`).join("; ")}.` });
}

function wordsOf({ open, leaks, empty }, { library }) {
  const means = LIBRARIES[library][1] ? "True keeps a key" : "True closes a key";
  return `${LIBRARIES[library][0]}: ${means}. ${open} of ${N * N} cells are open. ${leaks ? "Some query sees a later key." : "No query sees a later key."}${empty ? ` ${empty} of ${N} queries see nothing.` : ""}`;
}
