/**
 * Where each head stands, in CSS pixels: layers down and heads across, or one after the other in falling order; which
 * head is at a place, and the frame's scroll. A plan is {ranked, side | columns, wide, tall, width, height, gap, …}.
 */
const { indexOf, isRanked, mostOf, ranking, same } = await import(`./numbers.js${new URL(import.meta.url).search}`);

// Below this a square shrinks no further for the sake of the height, and below `SMALLEST` not at all: the frame scrolls.
export const HANDY = 12;
const SMALLEST = 4;
const LARGEST = 62;
const TALLEST = 420;
const SCROLLBAR = 12;
const [GUTTER, NARROW] = [22, 18];
const RANKED = { width: 70, height: 28 };
// Above the first row and below the last.
const EDGE = 2;

/** The plan for a frame of that width. */
export function planned(state, whole) {
  const plan = isRanked(state) ? rankedPlan : gridPlan;
  const made = plan(state.given, whole);
  return made.height <= TALLEST ? made : plan(state.given, whole - SCROLLBAR);
}

function gridPlan(given, whole) {
  const [rows, most] = [given.layers.length, mostOf(given)];
  const wide = Math.min(LARGEST, (whole - GUTTER - 4) / most);
  const fits = Math.max(SMALLEST, Math.min(wide, Math.max(HANDY, (TALLEST - 2 * EDGE) / rows)));
  const ratio = devicePixelRatio || 1;
  const side = Math.max(SMALLEST, Math.floor(fits * ratio) / ratio);
  const gap = side > 14 ? 3 : 1;
  const gutter = side < HANDY ? NARROW : GUTTER;
  return {
    ranked: false, side, gap, gutter, inset: Math.floor(gap / 2), inner: side - gap,
    width: Math.max(whole, gutter + side * most + 3), height: Math.ceil(side * rows + 2 * EDGE),
  };
}

function rankedPlan(given, whole) {
  const columns = Math.max(1, Math.floor(whole / RANKED.width));
  const rows = Math.max(1, Math.ceil(ranking(given).heads.length / columns));
  return {
    ranked: true, columns, wide: Math.floor((whole - 4) / columns), tall: RANKED.height, gap: 4,
    width: whole, height: rows * RANKED.height + 2 * EDGE,
  };
}

/** The box of a head [x, y, width, height], its gap included; null where it is not shown. */
export function boxOf({ plan, given }, cell) {
  if (plan.ranked) {
    const at = ranking(given).heads.findIndex((one) => same(one, cell));
    return at < 0 ? null : [(at % plan.columns) * plan.wide + EDGE, Math.floor(at / plan.columns) * plan.tall + EDGE, plan.wide, plan.tall];
  }
  if (indexOf(given, cell) < 0) return null;
  return [plan.gutter + cell.head * plan.side, given.layers.indexOf(cell.layer) * plan.side + EDGE, plan.side, plan.side];
}

/** Where the picture of a head in the grid begins, [x, y]. */
export const cornerOf = ({ gutter, side, inset }, row, head) => [gutter + head * side + inset, row * side + EDGE + inset];

/** {layer, head, y} of the head at a place of the canvas, y from 0 at its top to 1; null beside them. */
export function cellAt({ plan, given }, x, top) {
  const y = top - EDGE;
  if (x < 0 || y < 0) return null;
  if (plan.ranked) {
    const column = Math.max(0, Math.floor((x - EDGE) / plan.wide));
    return column < plan.columns ? ranking(given).heads[Math.floor(y / plan.tall) * plan.columns + column] ?? null : null;
  }
  const [head, row] = [Math.floor((x - plan.gutter) / plan.side), Math.floor(y / plan.side)];
  if (head < 0 || row >= given.layers.length || head >= given.counts[row]) return null;
  const inside = (y - row * plan.side - plan.inset) / plan.inner;
  return { layer: given.layers[row], head, y: Math.min(0.999, Math.max(0, inside)) };
}

/** Where a new drawing begins: a falling order at its top, else where the chosen head is. */
export function unroll(state) {
  if (isRanked(state)) state.frame.scrollTo({ top: 0, left: 0, behavior: "instant" });
  else reveal(state);
}

/** Bring the chosen head into the frame; the page itself stays where it is. */
export function reveal(state) {
  const box = state.plan && boxOf(state, state.at);
  if (!box) return;
  const { frame } = state;
  const [x, y, width, height] = box;
  const to = (from, size, place, length) => Math.max(Math.min(from, place - 4), place + length + 4 - size);
  const [top, left] = [to(frame.scrollTop, frame.clientHeight, y, height), to(frame.scrollLeft, frame.clientWidth, x, width)];
  if (top === frame.scrollTop && left === frame.scrollLeft) return;
  // The scroll that this makes is no reason to put the enlarged head away.
  state.walking = true;
  frame.scrollTo({ top, left, behavior: "instant" });
  requestAnimationFrame(() => requestAnimationFrame(() => { state.walking = false; }));
}
