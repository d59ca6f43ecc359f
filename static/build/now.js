/** What a drawing needs of a state and all that it makes: the chosen layer, head and pair, by short names. */

const version = new URL(import.meta.url).search;
const { rowOf } = await import(`./words.js${version}`);

const PROJECTED = ["query", "key", "value"];

/**
 * {state, names, dims, layers: how many, step, before: the layer before it, head, group, i, j, d, dim, out, palette, cells: the
 * weights to set by hand, of W_Q, W_K or W_V, and of W_O}; null without a token. dim and out, where nobody chose them, are those
 * of the pinned row’s largest numbers, and the weights are those that make them.
 */
export function nowOf({ state, made, cell, palette }) {
  const step = made.layers[state.layer];
  if (!step) return null;
  const { n_heads, n_kv_heads, d_model } = step.settings;
  const [head, d, group] = [state.head, d_model / n_heads, Math.floor((state.head * n_kv_heads) / n_heads)];
  const dim = state.dim ?? largestIn(rowOf(step.pass.query, state.query, head));
  const out = state.out ?? largestIn(rowOf(step.pass.output, state.query));
  return {
    state, names: made.names, dims: made.dims, layers: made.layers.length, step, before: made.layers[state.layer - 1] ?? null,
    head, group, i: state.query, j: state.key, d, dim, out, palette, cells: {
      project: cellIn(step, PROJECTED.includes(cell?.matrix) ? cell : { matrix: "query", column: head * d + dim }),
      output: cellIn(step, cell?.matrix === "output" ? cell : { matrix: "output", column: out }),
    },
  };
}

/** A cell of a weight matrix within its sizes; where no row is chosen, the one of the column's largest weight. */
function cellIn({ weights }, { matrix, row = null, column }) {
  const values = weights[matrix];
  const [rows, columns] = values.shape;
  const at = Math.min(column, columns - 1);
  const inColumn = Array.from({ length: rows }, (_, i) => values[i * columns + at]);
  return { matrix, row: row === null ? largestIn(inColumn) : Math.min(row, rows - 1), column: at };
}

const largestIn = (row) => row.reduce((best, value, at) => (Math.abs(value) > Math.abs(row[best]) ? at : best), 0);
