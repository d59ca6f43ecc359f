/** What a drawing needs of a state and all that it makes: the chosen layer, head and pair, by short names. */

const version = new URL(import.meta.url).search;
const { rowOf } = await import(`./words.js${version}`);

/**
 * {state, names, dims, layers: how many, step, before: the layer before it, head, group, i, j, d, dim, out, cell, palette}; null
 * without a token. dim and out, where nobody chose them, are those of the pinned row’s largest numbers.
 */
export function nowOf({ state, made, cell, palette }) {
  const step = made.layers[state.layer];
  if (!step) return null;
  const { n_heads, n_kv_heads, d_model } = step.settings;
  return {
    state, names: made.names, dims: made.dims, layers: made.layers.length, step, before: made.layers[state.layer - 1] ?? null,
    head: state.head, group: Math.floor((state.head * n_kv_heads) / n_heads), i: state.query, j: state.key, d: d_model / n_heads,
    dim: state.dim ?? largestIn(rowOf(step.pass.query, state.query, state.head)), out: state.out ?? largestIn(rowOf(step.pass.output, state.query)), cell, palette,
  };
}

const largestIn = (row) => row.reduce((best, value, at) => (Math.abs(value) > Math.abs(row[best]) ? at : best), 0);
