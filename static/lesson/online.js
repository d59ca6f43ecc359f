/**
 * One row of attention without its weights: keys and values come in blocks, and of all before only a running maximum, a
 * running total and a running sum are kept (Milakov and Gimelshein 2018; Dao et al. 2022, §3.1).
 */

/**
 * The states after each block: [{from, to, top, total, mixed}]; the last one's `mixed` / `total` is the row's output.
 * scores (n); values: rows of numbers.
 */
export function streamed(scores, values, block) {
  let state = { top: -Infinity, total: 0, mixed: new Float64Array(values[0].length) };
  const states = [];
  for (let from = 0; from < scores.length; from += block) {
    const to = Math.min(scores.length, from + block);
    state = joined(state, scores.slice(from, to), values.slice(from, to));
    states.push({ from, to, ...state });
  }
  return states;
}

/** The state with one more block: what was kept shrinks where a larger maximum came. */
function joined({ top, total, mixed }, scores, values) {
  const next = Math.max(top, ...scores);
  const shrink = Math.exp(top - next);
  const parts = Float64Array.from(scores, (score) => Math.exp(score - next));
  return {
    top: next,
    total: total * shrink + parts.reduce((sum, part) => sum + part, 0),
    mixed: mixed.map((own, i) => own * shrink + parts.reduce((sum, part, j) => sum + part * values[j][i], 0)),
  };
}

/** The row's output in one go, with all weights at hand. */
export function whole(scores, values) {
  const top = Math.max(...scores);
  const parts = Float64Array.from(scores, (score) => Math.exp(score - top));
  const total = parts.reduce((sum, part) => sum + part, 0);
  return Float64Array.from(values[0], (_, i) => parts.reduce((sum, part, j) => sum + (part / total) * values[j][i], 0));
}
