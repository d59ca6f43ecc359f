/** Where the pointer, or the keyboard, is: on a cell of a strip, or on one product; and what a person chooses there. */
const version = new URL(import.meta.url).search;
const [{ mark }, { pairOf }] = await Promise.all(["./marks", "./products"].map((name) => import(`${name}.js${version}`)));

/** On a cell {row, column} of a strip: every view hears of its query, or of its key with the query that is on show. */
export function point(state, side, { row, column }) {
  if (state.cell?.side === side && state.cell.row === row && state.cell.column === column) return;
  Object.assign(state, { cell: { side, row, column }, dim: column });
  const before = state.at;
  const { query } = pairOf(state, before?.from === "dimensions" ? null : before);
  const at = side === "query" ? { query: row, key: null } : { query, key: row };
  if (before?.from === "dimensions" && before.query === at.query && before.key === at.key) mark(state);
  else state.store.say("hover", { ...at, from: "dimensions" });
}

/** On one product, or on none. */
export function aim(state, unit) {
  const dim = unit?.dims[0] ?? null;
  if (dim === state.dim && !state.cell) return;
  Object.assign(state, { dim, cell: null });
  mark(state);
}

export function leave(state) {
  Object.assign(state, { cell: null, dim: null });
  if (state.at?.from === "dimensions") state.store.say("hover", null);
  else mark(state);
}

/** Pin the query of a row, or choose its key. */
export function pick({ store }, side, row, event) {
  if (side === "query") store.pin(row, { several: store.isSeveral(event) });
  else store.change({ key: row });
}

export const hasModifier = (event) => event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;

/** The page's own arrow keys stay out of it. */
export function taken(event) {
  event.preventDefault();
  event.stopPropagation();
}
