/** Choosing a head: a click or tap on it, arrow keys, the step buttons, a swipe. */
const version = new URL(import.meta.url).search;
const [{ ui }, { isRanked, ranking, same }, { enlarge }, { leave, onto, under }] = await Promise.all(
  ["../headlight", "./numbers", "./enlarged", "./pointing"].map((name) => import(`${name}.js${version}`)));

/** The four steps: sign, key, layers and heads onward, name. */
export const STEPS = [["←", "ArrowLeft", 0, -1, "Head before (←)"], ["→", "ArrowRight", 0, 1, "Next head (→)"],
  ["↑", "ArrowUp", -1, 0, "Layer before (Shift ↑)"], ["↓", "ArrowDown", 1, 0, "Next layer (Shift ↓)"]];

// The maps of all heads that are on the page. Where there are several, the page's own arrow keys mean none of them.
const maps = new Set();

/** A map came to the page; the function that is to be called when it is taken down. */
export function register(state) {
  maps.add(state);
  return () => maps.delete(state);
}

const isAlone = () => [...maps].filter(({ canvas }) => canvas.isConnected).length === 1;

/** The step that an arrow key means; none with a modifier that has a meaning elsewhere. */
const stepOf = (event) => (event.altKey || event.ctrlKey || event.metaKey ? null : STEPS.find(([, key]) => key === event.key));

/** In the grid itself all four arrows move, in falling order along it. */
export function gridKey(state, event) {
  if (event.key === "Escape") return leave(state);
  const found = stepOf(event);
  if (!found) return;
  event.preventDefault();
  event.stopPropagation();
  (isRanked(state) ? walk : step)(state, found[2], found[3]);
  enlarge(state, state.at);
}

/** Anywhere on a page with one figure group ← → step through the heads, and with Shift ↑ ↓ through the layers, which else scroll. */
export function pageKey(state, event) {
  if (event.key === "Escape") leave(state);
  const found = stepOf(event);
  if (!found || event.defaultPrevented || ui.typing() || event.shiftKey !== (found[2] !== 0) || !state.canvas.isConnected || !isAlone()) return;
  event.preventDefault();
  step(state, found[2], found[3]);
}

/** So many layers and heads onward: after a layer's last head comes the next one's first; the two ends hold. */
export function step(state, dLayer, dHead) {
  const { layers, counts } = state.given;
  const row = layers.indexOf(state.at.layer);
  const head = state.at.head + dHead;
  const isOver = head < 0 || head >= counts[row];
  const next = row + (dLayer || (isOver ? Math.sign(dHead) : 0));
  if (next < 0 || next >= layers.length) return;
  const first = dHead > 0 ? 0 : counts[next] - 1;
  choose(state, { layer: layers[next], head: isOver ? first : Math.min(counts[next] - 1, head) });
}

/** Along the falling order; from outside of it to the first. */
function walk(state, dRow, dPlace) {
  const { heads } = ranking(state.given);
  const here = heads.findIndex((cell) => same(cell, state.at));
  choose(state, heads[here < 0 ? 0 : here + dPlace + dRow * state.plan.columns]);
}

export function press(state, event) {
  const cell = under(state, event);
  choose(state, cell);
  if (!state.touch) return;
  if (cell) onto(state, cell);
  else leave(state);
}

function choose(state, cell) {
  if (cell && !same(cell, state.at)) state.store.change({ layer: cell.layer, head: cell.head });
}
