/**
 * What a correct attention layer passes: checks of an implementation, (x, weights, settings, options) → the steps of `forward`.
 * `attention/selfchecks.py` has the same checks in torch. Some change the settings or the input first, and say so.
 */

const version = new URL(import.meta.url).search;
const [{ checked, shaped }, { withMistake }] = await Promise.all(["./layer", "./mistakes"].map((name) => import(`${name}.js${version}`)));

// Up to which difference numbers that were added up as float32 count as equal, relative to the largest of them.
const ALLOWED = 1e-5;
// The step of the finite differences: large enough that float32 does not drown it, and a power of 2, so that it is exact.
const STEP = 2 ** -6;
// What is left of the third derivative at that step.
const ALLOWED_SLOPE = 1e-2;
const COPIES = 3;
const CHANGE = 1.5;

/** name; title; about: what holds of a correct layer, in a sentence; measure(implementation, x, weights, settings) → a number; allowed. */
export const CHECKS = Object.freeze([
  { name: "shape", title: "Shapes", allowed: 0, measure: wrongShapes, about: "Every step has the shape that the sizes give it." },
  { name: "rows", title: "Row sums", allowed: ALLOWED, measure: rowSums, about: "Each row of weights sums to 1." },
  { name: "causality", title: "Causality", allowed: 0, measure: laterWords, about: "Under a causal mask, another last word leaves all outputs before it as they were." },
  { name: "order", title: "Order of the words", allowed: ALLOWED, measure: otherOrder, about: "Without a mask, words in another order have the same outputs in that order." },
  { name: "one", title: "One word", allowed: ALLOWED, measure: oneWord, about: "A single word has the weight 1, and its output is its value through W_O." },
  { name: "keys", title: "Equal keys", allowed: ALLOWED, measure: equalKeys, about: "Keys that are all the same share the weight evenly." },
  { name: "copies", title: "A word three times", allowed: ALLOWED, measure: copies, about: "Three copies of a word weigh together as if ln 3 were added to its score." },
  { name: "padding", title: "Padding", allowed: ALLOWED, measure: padding, about: "Words that are added and hidden change nothing for the others." },
  { name: "bias", title: "A bias of the keys", allowed: ALLOWED, measure: keyBias, about: "The same vector added to every key changes no output." },
  { name: "gradient", title: "Gradient", allowed: ALLOWED_SLOPE, measure: gradient, about: "Turned a little, an input moves the outputs as the formula’s derivative says." },
  { name: "reference", title: "Another implementation", allowed: ALLOWED, measure: againstReference, about: "The outputs are those of an implementation that goes another way." },
]);

/**
 * One check of an implementation: {name, title, about, holds, measured, allowed, words}. holds: null where there are too few
 * words to tell; an implementation that throws does not hold.
 */
export function check(name, implementation, x, weights, settings) {
  const own = CHECKS.find((one) => one.name === name);
  if (!own) throw new RangeError(`There is no check “${name}”; there are: ${CHECKS.map((one) => one.name).join(", ")}.`);
  const { title, about, allowed } = own;
  const said = { name, title, about, allowed };
  if (x.shape[0] < 2) return { ...said, holds: null, measured: NaN, words: "This needs two words." };
  try {
    const measured = own.measure(implementation, x, weights, checked(settings));
    return { ...said, holds: measured <= allowed, measured, words: wordsOf(measured, allowed) };
  } catch (error) {
    return { ...said, holds: false, measured: NaN, words: `It cannot be computed: ${error.message}` };
  }
}

/** All checks of an implementation, in order. */
export function checkAll(implementation, x, weights, settings) {
  return CHECKS.map(({ name }) => check(name, implementation, x, weights, settings));
}

/** The names of the checks that catch a mistake, on this input and with these settings. */
export function catching(mistake, x, weights, settings) {
  const wrong = (...given) => withMistake(mistake, ...given);
  return checkAll(wrong, x, weights, settings).filter(({ holds }) => holds === false).map(({ name }) => name);
}

/**
 * The output (n, m), by another way than `forward`: of each head only W_Q·W_Kᵀ and W_V·W_O are made, and the words are weighed
 * themselves, not their values. In float64; a constant 1 beside each word brings the biases.
 */
export function reference(x, weights, settings) {
  const { d_model, n_heads, n_kv_heads, causal, scaled, temperature } = checked(settings);
  const [n] = x.shape;
  const [d, wide] = [d_model / n_heads, d_model + 1];
  const word = (i, a) => (a < d_model ? x[i * d_model + a] : 1);
  const entry = (name, row, column) => {
    const { [name]: matrix, [`${name}_bias`]: bias } = weights;
    return row < d_model ? matrix[row * matrix.shape[1] + column] : (bias?.[column] ?? 0);
  };
  const output = shaped([n, d_model]);
  const sums = new Float64Array(n * d_model);
  for (let head = n_heads - 1; head >= 0; head--) {
    const group = Math.floor(head / (n_heads / n_kv_heads));
    const meet = (a, b) => sum(d, (c) => entry("query", a, head * d + c) * entry("key", b, group * d + c));
    const circuit = Float64Array.from({ length: wide * wide }, (_, i) => meet(Math.floor(i / wide), i % wide));
    for (let i = 0; i < n; i++) {
      const seen = causal ? i + 1 : n;
      const asked = Float64Array.from({ length: wide }, (_, b) => sum(wide, (a) => word(i, a) * circuit[a * wide + b]));
      const scores = Float64Array.from({ length: seen }, (_, j) => sum(wide, (b) => asked[b] * word(j, b)) / (scaled ? Math.sqrt(d) : 1) / temperature);
      const total = sum(seen, (j) => Math.exp(scores[j] - scores[0]));
      const mean = Float64Array.from({ length: wide }, (_, a) => sum(seen, (j) => Math.exp(scores[j] - scores[0]) * word(j, a)) / total);
      for (let c = 0; c < d; c++) {
        const carried = sum(wide, (a) => mean[a] * entry("value", a, group * d + c));
        for (let to = 0; to < d_model; to++) sums[i * d_model + to] += carried * entry("output", head * d + c, to);
      }
    }
  }
  for (let i = 0; i < sums.length; i++) output[i] = sums[i] + (weights.output_bias?.[i % d_model] ?? 0);
  return output;
}

// The measures: each a number that is 0, or nearly, for a correct implementation

function wrongShapes(implementation, x, weights, settings) {
  const steps = implementation(x, weights, settings);
  const { d_model: m, n_heads: h, n_kv_heads: g } = settings;
  const [n, d] = [x.shape[0], m / h];
  const due = {
    query: [h, n, d], key: [g, n, d], value: [g, n, d], scores: [h, n, n], weights: [h, n, n], heads: [h, n, d],
    concat: [n, m], output: [n, m],
  };
  return Object.entries(due).filter(([name, shape]) => String(steps[name]?.shape) !== String(shape)).length;
}

function rowSums(implementation, x, weights, settings) {
  const made = implementation(x, weights, settings).weights;
  const k = made.shape[2];
  const sums = Array.from({ length: made.length / k }, (_, row) => sum(k, (j) => made[row * k + j]));
  return largest(sums.map((total) => total - 1));
}

function laterWords(implementation, x, weights, settings) {
  const causal = { ...settings, causal: true };
  const [n, m] = x.shape;
  const other = like(x, (value, i) => (i >= (n - 1) * m ? value + CHANGE : value));
  const [before, after] = [x, other].map((one) => implementation(one, weights, causal).output.subarray(0, (n - 1) * m));
  return apart(before, after);
}

function otherOrder(implementation, x, weights, settings) {
  const open = { ...settings, causal: false };
  const turned = backwards(x);
  return apart(implementation(turned, weights, open).output, backwards(implementation(x, weights, open).output));
}

function oneWord(implementation, x, weights, settings) {
  const one = rowsOf(x, 0, 1);
  const { weights: made, output } = implementation(one, weights, settings);
  return worst(largest(made.map((weight) => weight - 1)), apart(output, reference(one, weights, settings)));
}

function equalKeys(implementation, x, weights, settings) {
  const same = { ...weights, key: like(weights.key, () => 0), key_bias: ramp(weights.key.shape[1]) };
  const made = implementation(x, same, settings).weights;
  const [, n, k] = made.shape;
  const seen = (row) => (settings.causal ? row + 1 : k);
  const due = (row, column) => (column < seen(row) ? 1 / seen(row) : 0);
  return largest(made.map((weight, i) => weight - due(Math.floor(i / k) % n, i % k)));
}

/** The weights of the first words, where the last one stands three times, against those where it stands once. */
function copies(implementation, x, weights, settings) {
  const open = { ...settings, causal: false };
  const [n] = x.shape;
  const several = joined(x, ...Array(COPIES - 1).fill(rowsOf(x, n - 1, n)));
  const [once, made] = [x, several].map((one) => implementation(one, weights, open).weights);
  const k = several.shape[0];
  let most = 0;
  for (let head = 0; head < settings.n_heads; head++) {
    for (let row = 0; row < n; row++) {
      const single = (j) => once[(head * n + row) * n + j];
      const total = 1 + (COPIES - 1) * single(n - 1);
      for (let j = 0; j < k; j++) most = worst(most, Math.abs(made[(head * k + row) * k + j] - single(Math.min(j, n - 1)) / total));
    }
  }
  return most;
}

function padding(implementation, x, weights, settings) {
  const [n, m] = x.shape;
  const longer = joined(x, like(rowsOf(x, 0, 2), (value) => CHANGE - value));
  const mask = (i, j) => j < n && (!settings.causal || j <= i);
  const made = implementation(longer, weights, settings, { mask }).output.subarray(0, n * m);
  return apart(made, implementation(x, weights, settings).output);
}

function keyBias(implementation, x, weights, settings) {
  const moved = { ...weights, key_bias: like(ramp(weights.key.shape[1]), (value, i) => value + (weights.key_bias?.[i] ?? 0)) };
  return apart(implementation(x, moved, settings).output, implementation(x, weights, settings).output);
}

/** How the outputs follow the first number of the middle word: finite differences against the derivative. */
function gradient(implementation, x, weights, settings) {
  const [n, m] = x.shape;
  const place = Math.floor(n / 2);
  const at = (by) => implementation(like(x, (value, i) => (i === place * m ? value + by : value)), weights, settings).output;
  const [more, less] = [at(STEP), at(-STEP)];
  const found = Float64Array.from(more, (value, i) => (value - less[i]) / (2 * STEP));
  return apart(found, derivative(implementation(x, weights, settings), place, weights, settings));
}

/** ∂output/∂x[place, 0], (n, m) in float64, by the product and the softmax rule, from the steps of a pass. */
function derivative({ query, key, value, weights: made }, place, weights, { d_model: m, n_heads: h, n_kv_heads: g, scaled, temperature }) {
  const [, n, d] = query.shape;
  const factor = 1 / ((scaled ? Math.sqrt(d) : 1) * temperature);
  const slopes = new Float64Array(n * m);
  for (let head = 0; head < h; head++) {
    const group = Math.floor(head / (h / g));
    for (let row = 0; row < n; row++) {
      const weight = (j) => made[(head * n + row) * n + j];
      // Where a word is turned, its query and its key turn: each by the first row of its matrix.
      const turned = (j) => factor * (
        (row === place ? sum(d, (c) => weights.query[head * d + c] * key[(group * n + j) * d + c]) : 0)
        + (j === place ? sum(d, (c) => query[(head * n + row) * d + c] * weights.key[group * d + c]) : 0));
      const mean = sum(n, (j) => weight(j) * turned(j));
      for (let c = 0; c < d; c++) {
        const moved = sum(n, (j) => weight(j) * (turned(j) - mean) * value[(group * n + j) * d + c]) + weight(place) * weights.value[group * d + c];
        for (let to = 0; to < m; to++) slopes[row * m + to] += moved * weights.output[(head * d + c) * m + to];
      }
    }
  }
  return slopes;
}

function againstReference(implementation, x, weights, settings) {
  return apart(implementation(x, weights, settings).output, reference(x, weights, settings));
}

// Numbers and arrays

function sum(count, term) {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
}

/** The larger one; what is not a number is the worst of all. */
const worst = (one, other) => (one <= other || Number.isNaN(other) ? other : one);

/** The largest size among numbers. */
const largest = (numbers) => numbers.reduce((most, value) => worst(most, Math.abs(value)), 0);

/** The largest difference of two arrays, relative to the largest number of the second. */
function apart(one, other) {
  let [gap, size] = [0, 0];
  for (let i = 0; i < other.length; i++) {
    gap = worst(gap, Math.abs(one[i] - other[i]));
    size = worst(size, Math.abs(other[i]));
  }
  return gap === 0 ? 0 : gap / size;
}

function like(array, change) {
  const made = new Float32Array(array).map(change);
  made.shape = array.shape;
  return made;
}

/** Numbers that differ, from −1 to 1. */
function ramp(count) {
  const made = shaped([count]);
  return like(made, (_, i) => (count === 1 ? 1 : (2 * i) / (count - 1) - 1));
}

function rowsOf(x, from, to) {
  const m = x.shape[1];
  const made = x.slice(from * m, to * m);
  made.shape = [to - from, m];
  return made;
}

function joined(...arrays) {
  const made = shaped([sum(arrays.length, (i) => arrays[i].shape[0]), arrays[0].shape[1]]);
  let at = 0;
  for (const array of arrays) {
    made.set(array, at);
    at += array.length;
  }
  return made;
}

function backwards(x) {
  const [n, m] = x.shape;
  return like(x, (_, i) => x[(n - 1 - Math.floor(i / m)) * m + (i % m)]);
}

function wordsOf(measured, allowed) {
  const most = allowed === 0 ? "none is allowed" : `${brief(allowed)} is allowed`;
  return `Off by ${brief(measured)}; ${most}.`;
}

function brief(value) {
  if (!Number.isFinite(value)) return "more than can be told";
  return value === 0 || Number.isInteger(value) ? String(value) : value.toExponential(1).replace("-", "−");
}
