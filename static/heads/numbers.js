/**
 * The heads as they arrived: where each is in the arrays, its number and how that is written, and their falling order.
 * A cell is {layer, head}; `given` is what the server sent (attention/browser/overview.py).
 */
const { ui } = await import(`../headlight.js${new URL(import.meta.url).search}`);

// Heads that are shown in falling order, at most.
export const RANKED = 240;
const orders = new WeakMap();

export const same = (one, other) => one?.layer === other?.layer && one?.head === other?.head;
export const name = (cell) => `Layer ${cell.layer}, head ${cell.head}`;
export const mostOf = (given) => Math.max(...given.counts);

/** A head's place in the arrays, −1 where there is no such head. */
export function indexOf(given, { layer, head }) {
  const row = given.layers.indexOf(layer);
  return row < 0 || head >= given.counts[row] ? -1 : row * mostOf(given) + head;
}

/** A head's number, NaN where nothing counted; null where pictures are shown. */
export function valueOf(given, cell) {
  const at = given.numbers ? indexOf(given, cell) : -1;
  return at < 0 ? null : given.numbers[at];
}

/** The heads by falling number: {heads: those that are shown, with their place `at`, known: how many have a number}. */
export function ranking(given) {
  if (!orders.has(given)) orders.set(given, ranked(given));
  return orders.get(given);
}

function ranked({ layers, counts, numbers }) {
  const most = Math.max(...counts);
  const all = layers.flatMap((layer, row) => Array.from({ length: counts[row] }, (_, head) => ({ layer, head, at: row * most + head })));
  const known = all.filter(({ at }) => !Number.isNaN(numbers[at])).sort((one, other) => numbers[other.at] - numbers[one.at]);
  return { heads: known.slice(0, RANKED), known: known.length };
}

/** Whether the heads stand in falling order: only numbers have one. */
export const isRanked = ({ sorted, given }) => Boolean(sorted && given.numbers);

/** A number as it stands in a square. */
export const figure = (given, value) => ui.decimals(value, Math.abs(value) >= 100 ? 0 : given.digits);

/** A number with its unit. */
export function written(given, value) {
  const unit = given.unit ? ` ${given.unit}` : "";
  return Number.isNaN(value) ? given.hatched || "–" : `${figure(given, value)}${unit}`;
}

/** What a head that looks evenly would have, and whether this one has clearly more. */
export function evenWords(given, cell) {
  const { base, marks } = given;
  const at = indexOf(given, cell);
  if (!base || at < 0 || Number.isNaN(base[at])) return "";
  return `an even head ${ui.decimals(base[at], 2)}${marks[at] ? ", clearly more" : ""}`;
}
