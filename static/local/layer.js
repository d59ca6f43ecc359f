/**
 * The local layer in the browser: words and positions → Q, K, V → scores → weights → values → W_O, under the names and in the
 * order of `attention/mhsa.py`, with the numbers of `attention/local.py`.
 *
 * Every array is a Float32Array with a `shape`, row by row; sums are added up as float64. Letters in the shapes: n tokens
 * (k where keys come from elsewhere), m d_model, h n_heads, g n_kv_heads, d d_head. Nothing here touches the page.
 */

const version = new URL(import.meta.url).search;
const [{ normalAt, numberOf }, { folded }] = await Promise.all(["./random", "./words"].map((name) => import(`${name}.js${version}`)));

/** The settings of the layer that a first visitor meets. */
export const DEFAULTS = Object.freeze({
  d_model: 64, n_heads: 4, n_kv_heads: 4, causal: true, scaled: true, temperature: 1, positions: true, seed: 2017,
});
/** What each setting that is a number may be: [from, to]. */
export const RANGES = Object.freeze({
  d_model: [1, 256], n_heads: [1, 16], n_kv_heads: [1, 16], temperature: [0.05, 20], seed: [0, 999_999_999],
});
const WHOLE = ["d_model", "n_heads", "n_kv_heads", "seed"];
const SWITCHES = ["causal", "scaled", "positions"];
const PROJECTIONS = ["query", "key", "value", "output"];
// Scores of unit variance give an almost flat softmax; with this gain a head visibly prefers some words.
const GAIN = 1.6;
const LONGEST_WAVE = 10_000;
// Frequencies are rounded to this grid, on which all powers agree, so that Python's positions are the same.
const GRID = 2 ** 36;

/**
 * The settings, complete: what is left out is the default, and n_kv_heads is n_heads. Throws RangeError with a sentence
 * where they make no layer.
 */
export function checked(settings = {}) {
  const full = { ...DEFAULTS, n_kv_heads: settings.n_heads ?? DEFAULTS.n_heads, ...settings };
  const strange = Object.keys(full).find((name) => !(name in DEFAULTS));
  if (strange) throw new RangeError(`The local layer has no setting “${strange}”; it has: ${Object.keys(DEFAULTS).join(", ")}.`);
  for (const [name, [low, high]] of Object.entries(RANGES)) {
    const value = full[name];
    const fits = typeof value === "number" && value >= low && value <= high && (!WHOLE.includes(name) || Number.isInteger(value));
    if (!fits) throw new RangeError(`${name} must be a ${WHOLE.includes(name) ? "whole " : ""}number from ${low} to ${high}; got ${value}.`);
  }
  for (const name of SWITCHES) if (typeof full[name] !== "boolean") throw new RangeError(`${name} must be true or false; got ${full[name]}.`);
  const { d_model, n_heads, n_kv_heads } = full;
  if (d_model % n_heads) throw new RangeError(`d_model must be a multiple of n_heads; got ${d_model} and ${n_heads}.`);
  if (n_heads % n_kv_heads) throw new RangeError(`n_heads must be a multiple of n_kv_heads; got ${n_heads} and ${n_kv_heads}.`);
  return full;
}

/**
 * The four projections of a seed: {query (m, h·d), key (m, g·d), value (m, g·d), output (h·d, m)}, x from the left. Fewer
 * key-value heads have the first columns of more. A bias can be put beside them, as `query_bias` and so on.
 */
export function weightsOf(settings) {
  const { d_model, n_heads, n_kv_heads, seed } = checked(settings);
  const shared = (d_model / n_heads) * n_kv_heads;
  const columns = { query: d_model, key: shared, value: shared, output: d_model };
  const spread = GAIN / Math.sqrt(d_model);
  return Object.fromEntries(PROJECTIONS.map((name) => {
    const key = numberOf(name, seed);
    const made = shaped([d_model, columns[name]]);
    for (let row = 0, i = 0; row < d_model; row++) {
      for (let column = 0; column < columns[name]; column++, i++) made[i] = normalAt(key, row * d_model + column) * spread;
    }
    return [name, made];
  }));
}

/**
 * What enters the layer: {words (n, m), positions (n, m), x (n, m)}. words: a vector for each distinct word, capital or
 * small; positions: sine in even and cosine in odd dimensions, or 0; x: their sum. tokens: as from `tokensOf`, or texts.
 */
export function embedded(tokens, settings) {
  const { d_model, positions: has } = checked(settings);
  const words = shaped([tokens.length, d_model]);
  const positions = shaped([tokens.length, d_model]);
  const x = shaped([tokens.length, d_model]);
  tokens.forEach((token, row) => {
    const key = numberOf("word", folded(token.text ?? token));
    for (let column = 0, i = row * d_model; column < d_model; column++, i++) {
      words[i] = normalAt(key, column);
      positions[i] = has ? waveAt(row, column, d_model) : 0;
      x[i] = words[i] + positions[i];
    }
  });
  return { words, positions, x };
}

/**
 * One pass: every step from x (n, m) to the output (n, m), and all between, by name.
 *
 * Q (n, h·d), K, V (k, g·d); query (h, n, d), key, value (g, k, d); scores, scaled, tempered, masked, weights (h, n, k); heads
 * (h, n, d); concat (n, h·d); output (n, m). allowed: (n, k), 1 where a query may see a key; rule: "causal", "open", or "own"
 * where `mask` was given; isEdited: whether `scores` was.
 *
 * scores: (head, i, j, score) → score, by which edits enter before the scale. mask: (i, j) → whether query i may see key j,
 * in place of the layer's own rule. context (k, m): what keys and values are made of, for cross-attention. parts: functions
 * in place of those of PARTS, for `mistakes.js`.
 */
export function forward(x, weights, settings, { scores: edit = null, mask = null, context = x, parts = {} } = {}) {
  const own = checked(settings);
  const use = { ...PARTS, ...parts };
  const Q = project(x, weights.query, weights.query_bias);
  const K = project(context, weights.key, weights.key_bias);
  const V = project(context, weights.value, weights.value_bias);
  const query = use.split(Q, own.n_heads);
  const [key, value] = [K, V].map((one) => use.split(one, own.n_kv_heads));
  const rule = mask ? "own" : own.causal ? "causal" : "open";
  const allowed = allowedBy(mask ?? (own.causal ? (i, j) => j <= i : () => true), x.shape[0], context.shape[0]);
  const products = use.dots(query, key);
  const scores = edit ? edited(products, edit) : products;
  const scaled = own.scaled ? divided(scores, use.divisor(own)) : scores;
  const tempered = own.temperature === 1 ? scaled : divided(scaled, own.temperature);
  const masked = use.block(tempered, allowed, own);
  const made = use.softmax(masked, allowed);
  const heads = use.mix(made, value);
  const concat = use.merge(heads);
  const output = use.bring(concat, weights);
  const steps = { Q, K, V, query, key, value, scores, scaled, tempered, masked, weights: made, heads, concat, output };
  return { ...steps, allowed, rule, isEdited: Boolean(edit) };
}

/** The steps of a pass that can be replaced, each a function: what `forward` is made of. */
export const PARTS = Object.freeze({ split, dots, divisor, block, softmax, mix, merge, bring });

/** An array of zeros with a shape. */
export function shaped(shape) {
  const made = new Float32Array(shape.reduce((all, one) => all * one, 1));
  made.shape = shape;
  return made;
}

/** x (n, m) times a matrix (m, c), and a bias (c) added where there is one: (n, c). */
export function project(x, matrix, bias) {
  const [n, inner] = x.shape;
  const [rows, columns] = matrix.shape;
  if (inner !== rows) throw new RangeError(`A matrix of ${rows} rows cannot be applied to vectors of ${inner} numbers.`);
  const made = shaped([n, columns]);
  const line = new Float64Array(columns);
  for (let row = 0; row < n; row++) {
    line.fill(0);
    if (bias) line.set(bias);
    for (let i = 0; i < inner; i++) {
      const factor = x[row * inner + i];
      for (let column = 0, at = i * columns; column < columns; column++, at++) line[column] += factor * matrix[at];
    }
    made.set(line, row * columns);
  }
  return made;
}

/** (n, c·d) → (c, n, d): columns c·d to c·d + d − 1 are head c. */
function split(projected, count) {
  const [n, width] = projected.shape;
  const d = width / count;
  const made = shaped([count, n, d]);
  for (let head = 0, i = 0; head < count; head++) {
    for (let row = 0; row < n; row++) for (let at = 0; at < d; at++, i++) made[i] = projected[row * width + head * d + at];
  }
  return made;
}

/** query (h, n, d) and key (g, k, d) → (h, n, k): each query times each key of its group. */
function dots(query, key) {
  const [h, n, d] = query.shape;
  const [g, k] = key.shape;
  const made = shaped([h, n, k]);
  for (let head = 0, i = 0; head < h; head++) {
    const group = Math.floor((head * g) / h);
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < k; column++, i++) {
        const [from, to] = [(head * n + row) * d, (group * k + column) * d];
        let sum = 0;
        for (let at = 0; at < d; at++) sum += query[from + at] * key[to + at];
        made[i] = sum;
      }
    }
  }
  return made;
}

/** What scores are divided by: √d_head. */
function divisor({ d_model, n_heads }) {
  return Math.sqrt(d_model / n_heads);
}

/** −∞ where a query may not see a key: scores (h, n, k), allowed (n, k). */
function block(scores, allowed) {
  return mapped(scores, (score, i) => (allowed[i % allowed.length] ? score : -Infinity));
}

/** (h, n, k): each row as positive numbers that sum to 1; zeros where a query may see nothing. */
function softmax(masked) {
  const k = masked.shape[2];
  const made = shaped(masked.shape);
  for (let from = 0; from < made.length; from += k) {
    const row = masked.subarray(from, from + k);
    const top = row.reduce((most, score) => Math.max(most, score), -Infinity);
    if (top === -Infinity) continue;
    const parts = Float64Array.from(row, (score) => Math.exp(score - top));
    const total = parts.reduce((sum, part) => sum + part, 0);
    for (let at = 0; at < k; at++) made[from + at] = parts[at] / total;
  }
  return made;
}

/** weights (h, n, k) and value (g, k, d) → (h, n, d): the weighted sum of each query's values. */
function mix(weights, value) {
  const [h, n, k] = weights.shape;
  const [g, , d] = value.shape;
  const made = shaped([h, n, d]);
  const line = new Float64Array(d);
  for (let head = 0; head < h; head++) {
    const group = Math.floor((head * g) / h);
    for (let row = 0; row < n; row++) {
      line.fill(0);
      for (let column = 0; column < k; column++) {
        const weight = weights[(head * n + row) * k + column];
        for (let at = 0, from = (group * k + column) * d; at < d; at++, from++) line[at] += weight * value[from];
      }
      made.set(line, (head * n + row) * d);
    }
  }
  return made;
}

/** (h, n, d) → (n, h·d): the heads of each token, one after the other. */
function merge(heads) {
  const [h, n, d] = heads.shape;
  const made = shaped([n, h * d]);
  for (let row = 0, i = 0; row < n; row++) {
    for (let head = 0; head < h; head++) for (let at = 0; at < d; at++, i++) made[i] = heads[(head * n + row) * d + at];
  }
  return made;
}

/** concat (n, h·d) → (n, m): what all heads bring, added up. */
function bring(concat, weights) {
  return project(concat, weights.output, weights.output_bias);
}

function allowedBy(may, n, k) {
  const made = new Uint8Array(n * k);
  made.shape = [n, k];
  for (let i = 0; i < made.length; i++) made[i] = may(Math.floor(i / k), i % k) ? 1 : 0;
  return made;
}

/** The scores as a person's edits have them. */
function edited(scores, edit) {
  const [, n, k] = scores.shape;
  return mapped(scores, (score, i) => edit(Math.floor(i / (n * k)), Math.floor(i / k) % n, i % k, score));
}

const divided = (array, by) => mapped(array, (value) => value / by);

function mapped(array, change) {
  const made = array.map(change);
  made.shape = array.shape;
  return made;
}

/** A position's number in one dimension (Vaswani et al. 2017, §3.5). */
function waveAt(position, column, d_model) {
  const even = column - (column % 2);
  const frequency = Math.round(LONGEST_WAVE ** (-even / d_model) * GRID) / GRID;
  return column % 2 ? Math.cos(position * frequency) : Math.sin(position * frequency);
}
