/** One score taken apart: which query and key it is of, and the products that it is the sum of. */
const version = new URL(import.meta.url).search;
const [{ ui }, { isPaired, onStrips }] = await Promise.all(["../headlight", "./options"].map((name) => import(`${name}.js${version}`)));

/** The query and the key whose score is taken apart: those under the pointer, else the pinned one and its key. */
export function pairOf({ shown: { look, head }, at: pointed }, at = pointed) {
  const query = ui.inside(at?.query, head.queries) ?? Math.min(look.query, head.queries - 1);
  const key = ui.inside(at?.key, head.keys) ?? ui.inside(look.key, head.keys);
  return { query, key: key ?? strongest(head.row("weights", query)) };
}

const strongest = (row) => row.reduce((top, value, i) => (value > row[top] ? i : top), 0);

/**
 * {units, order, sum, before}. A unit is {dims, q, k, product, most, cos, before, beforeCos}: of one dimension its two
 * numbers and their product; of a pair both lengths, the cosine between, and their product.
 */
export function takeApart(state, { query, key }) {
  const paired = isPaired(state);
  const rows = (source) => [ui.row(source.query, query), ui.row(source.key, key)];
  const [q, k] = rows(paired ? state.vectors : onStrips(state));
  const earlier = paired && state.before ? rows(state.before) : null;
  const units = state.units.map((dims) => unit(dims, q, k, earlier));
  const total = (name) => units.reduce((sum, one) => sum + one[name], 0);
  return { units, order: state.options.sorted ? bySize(units) : units, sum: total("product"), before: earlier ? total("before") : null };
}

export const bySize = (units) => [...units].sort((a, b) => Math.abs(b.product) - Math.abs(a.product) || a.dims[0] - b.dims[0]);

function unit(dims, q, k, earlier) {
  const product = dot(dims, q, k);
  const before = earlier ? dot(dims, ...earlier) : null;
  if (dims.length === 1) return { dims, q: q[dims[0]], k: k[dims[0]], product, most: Math.abs(product), before };
  const [a, b] = [Math.hypot(...dims.map((dim) => q[dim])), Math.hypot(...dims.map((dim) => k[dim]))];
  const most = a * b;
  return { dims, q: a, k: b, product, most, cos: most ? product / most : 0, before, beforeCos: earlier && most ? before / most : null };
}

const dot = (dims, q, k) => dims.reduce((sum, dim) => sum + q[dim] * k[dim], 0);

/** The unit of the dimension under the pointer, or null. */
export const unitAt = ({ dim, made }) => (dim === null ? null : made.units.find(({ dims }) => dims.includes(dim)) ?? null);
