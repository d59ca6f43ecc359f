/** The pointer over the heads: which one it is on, the row that is under it there, and what other views point at. */
const version = new URL(import.meta.url).search;
const [{ same }, { cellAt }, { isLined, later }, { drawEnlarged, enlarge, hideEnlarged }] = await Promise.all(
  ["./numbers", "./grid", "./overlay", "./enlarged"].map((name) => import(`${name}.js${version}`)));

/** The head under the pointer, or null. */
export function under(state, event) {
  if (!state.plan) return null;
  const box = state.canvas.getBoundingClientRect();
  return cellAt(state, event.clientX - box.left, event.clientY - box.top);
}

export function point(state, event) {
  state.touch = false;
  const cell = under(state, event);
  if (!same(cell, state.over)) onto(state, cell);
  sayRow(state, cell);
}

/** The pointer, or a tap, came onto this head. */
export function onto(state, cell) {
  state.over = cell;
  state.canvas.style.cursor = cell ? "pointer" : "default";
  if (cell) enlarge(state, cell);
  else hideEnlarged(state);
  sayHead(state, cell);
  later(state);
}

/** Tell other maps of heads which one is pointed at here. */
function sayHead({ store }, cell) {
  if (cell || store.last("pointed")?.from === "heads") store.say("pointed", cell ? { layer: cell.layer, head: cell.head, from: "heads" } : null);
}

/** A head that another map of heads points at. */
export function pointed(state, cell) {
  state.pointed = cell?.from === "heads" ? null : cell;
  later(state);
}

/** Tell the other views which query's row is under the pointer; of a pooled row its first token. */
function sayRow(state, cell) {
  const rows = cell && isLined(state) ? state.given.pictures.shape[2] : 0;
  if (!rows) return sayNothing(state);
  const query = Math.floor((Math.floor(cell.y * rows) * state.given.queries) / rows);
  if (state.said && state.hover?.query === query && state.hover.from === "heads") return;
  state.said = true;
  state.store.say("hover", { query, key: null, from: "heads" });
}

function sayNothing(state) {
  if (!state.said) return;
  state.said = false;
  state.store.say("hover", null);
}

/** What any view points at, this one too. */
export function heard(state, hover) {
  const before = state.hover;
  state.hover = hover ?? null;
  if (!state.plan || (before?.query === hover?.query && before?.key === hover?.key)) return;
  if (isLined(state)) later(state);
  if (state.enlarged.shown) drawEnlarged(state);
}

export function leave(state) {
  state.over = null;
  hideEnlarged(state);
  sayNothing(state);
  sayHead(state, null);
  later(state);
}
