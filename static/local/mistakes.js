/**
 * The common bugs of an attention layer, each as one part of `forward` put wrong. `attention/mistakes.py` has the same bugs in
 * torch, where the wrong and the right lines below stand as they are, but for the one that masks too late, which is two there.
 */

const version = new URL(import.meta.url).search;
const { PARTS, forward, project, shaped } = await import(`./layer.js${version}`);

/**
 * name; title; wrong: what goes wrong, in a sentence; line: the wrong line of code, and right: the one that it should be;
 * caught: the check of `checks.js` that tells this bug best.
 */
export const MISTAKES = Object.freeze([
  {
    name: "transpose", title: "Queries and keys swapped", caught: "keys",
    wrong: "The scores are transposed: a word is weighed by what it offers, not by what it looks for.",
    line: "scores = key @ query.transpose(-2, -1)", right: "scores = query @ key.transpose(-2, -1)",
  },
  {
    name: "axis", title: "Softmax along the wrong axis", caught: "rows",
    wrong: "The columns sum to 1 and the rows do not: the words compete for a key, not the keys for a word.",
    line: "weights = masked.softmax(dim=-2)", right: "weights = masked.softmax(dim=-1)",
  },
  {
    name: "unscaled", title: "No scale", caught: "reference",
    wrong: "The scores stay √d_head times too large, so that the softmax of a wide head is nearly one weight of 1.",
    line: "scaled = scores", right: "scaled = scores / d_head**0.5",
  },
  {
    name: "width", title: "Divided by √d_model", caught: "reference",
    wrong: "The scores are √n_heads times too small, and the weights flatter than they should be.",
    line: "scaled = scores / d_model**0.5", right: "scaled = scores / d_head**0.5",
  },
  {
    name: "late", title: "Masked after the softmax", caught: "rows",
    wrong: "The rows sum to less than 1, and later words still count in what the others are divided by.",
    line: "weights = scores.softmax(dim=-1) * may", right: 'weights = scores.masked_fill(~may, float("-inf")).softmax(dim=-1)',
  },
  {
    name: "diagonal", title: "A mask that hides the word itself", caught: "rows",
    wrong: "The first word may see nothing, its row is 0/0, and one NaN spreads to all that is made of it.",
    line: "may = torch.ones(n, n, dtype=torch.bool).tril(diagonal=-1)", right: "may = torch.ones(n, n, dtype=torch.bool).tril()",
  },
  {
    name: "split", title: "Split into heads without a transpose", caught: "causality",
    wrong: "Each head gets whole words instead of its own columns of every word: the cut goes across the tokens.",
    line: "heads = projected.view(b, h, n, d)", right: "heads = projected.view(b, n, h, d).transpose(1, 2)",
  },
  {
    name: "merge", title: "Merged without a transpose", caught: "causality",
    wrong: "A word's output is made of what one head has for several words, instead of what all heads have for it.",
    line: "concat = heads.reshape(b, n, h * d)", right: "concat = heads.transpose(1, 2).reshape(b, n, h * d)",
  },
  {
    name: "average", title: "Heads averaged, not concatenated", caught: "shape",
    wrong: "Only d_head numbers a word are left, in which the heads can no longer be told apart.",
    line: "concat = heads.mean(dim=1)", right: "concat = heads.transpose(1, 2).reshape(b, n, h * d)",
  },
]);

const WRONG = {
  transpose: { dots: transposed },
  axis: { softmax: alongQueries },
  unscaled: { divisor: () => 1 },
  width: { divisor: ({ d_model }) => Math.sqrt(d_model) },
  late: { block: (scores) => scores, softmax: (scores, allowed) => withoutHidden(PARTS.softmax(scores), allowed) },
  diagonal: { block: withoutItself, softmax: bare },
  split: { split: (projected, heads) => viewed(projected, [heads, projected.shape[0], projected.shape[1] / heads]) },
  merge: { merge: (heads) => viewed(heads, [heads.shape[1], heads.shape[0] * heads.shape[2]]) },
  average: { merge: averaged, bring: (mean, weights) => project(mean, firstRows(weights.output, mean.shape[1]), weights.output_bias) },
};

/** The steps of `forward` with one of MISTAKES in it, by name; "" is none. Throws RangeError for another name. */
export function withMistake(name, x, weights, settings, options = {}) {
  if (name && !(name in WRONG)) throw new RangeError(`There is no mistake “${name}”; there are: ${Object.keys(WRONG).join(", ")}.`);
  return forward(x, weights, settings, { ...options, parts: WRONG[name] ?? {} });
}

/** The same numbers in the same order, as if they had another shape. */
function viewed(array, shape) {
  const made = new Float32Array(array);
  made.shape = shape;
  return made;
}

/** (h, n, n): key i times query j where query i times key j is due. */
function transposed(query, key) {
  const right = PARTS.dots(query, key);
  const [h, n, k] = right.shape;
  if (n !== k) throw new RangeError(`Swapped, queries and keys give scores of ${k} × ${n} where ${n} × ${k} are due.`);
  const made = shaped([h, n, n]);
  for (let i = 0; i < made.length; i++) {
    const [head, row, column] = [Math.floor(i / (n * n)), Math.floor(i / n) % n, i % n];
    made[i] = right[(head * n + column) * n + row];
  }
  return made;
}

/** (h, n, k): each column as numbers that sum to 1. */
function alongQueries(masked) {
  const [h, n, k] = masked.shape;
  const made = shaped(masked.shape);
  for (let head = 0; head < h; head++) {
    for (let column = 0; column < k; column++) {
      const places = Array.from({ length: n }, (_, row) => (head * n + row) * k + column);
      const found = shares(places.map((place) => masked[place]));
      places.forEach((place, row) => {
        made[place] = found[row];
      });
    }
  }
  return made;
}

/** A softmax as one writes it first: of a row that may see nothing it makes NaN. */
function bare(masked) {
  const k = masked.shape[2];
  const made = shaped(masked.shape);
  for (let from = 0; from < made.length; from += k) made.set(shares([...masked.subarray(from, from + k)]), from);
  return made;
}

function shares(scores) {
  const top = Math.max(...scores);
  const parts = scores.map((score) => Math.exp(score - top));
  const total = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / total);
}

/** 0 where a query may not see a key, and the rest as it is. */
function withoutHidden(weights, allowed) {
  const made = weights.map((weight, i) => (allowed[i % allowed.length] ? weight : 0));
  made.shape = weights.shape;
  return made;
}

/** −∞ where a query may not see a key, and in a causal layer for its own key too. */
function withoutItself(scores, allowed, { causal }) {
  const k = allowed.shape[1];
  const open = allowed.map((may, i) => (causal && i % k >= Math.floor(i / k) ? 0 : may));
  return PARTS.block(scores, open);
}

/** (h, n, d) → (n, d): the mean of the heads. */
function averaged(heads) {
  const [h, n, d] = heads.shape;
  const made = shaped([n, d]);
  for (let i = 0; i < n * d; i++) {
    let sum = 0;
    for (let head = 0; head < h; head++) sum += heads[head * n * d + i];
    made[i] = sum / h;
  }
  return made;
}

function firstRows(matrix, rows) {
  const columns = matrix.shape[1];
  return viewed(matrix.subarray(0, rows * columns), [rows, columns]);
}
