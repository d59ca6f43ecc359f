/**
 * Worksheets with numbers that are easy by hand, one a seed, and their keys: queries, keys and values of two or three tokens in
 * two dimensions, from which a student makes scores, scaled scores, weights and the output. The key is made by the layer's own
 * code. Nothing here touches the page.
 */

const version = new URL(import.meta.url).search;
const [{ checked, forward, shaped }, { random }] = await Promise.all(["../local/layer", "../local/random"].map((name) => import(`${name}.js${version}`)));

/** What a teacher may ask for. */
export const MOST = Object.freeze({ students: 60, seed: 999_999 });
export const TOKENS = Object.freeze([2, 3]);
const D = 2;
const TEXTS = [["red", "fox"], ["the", "cat"], ["old", "boat"], ["she", "sings"], ["two", "birds"], ["he", "reads", "books"], ["the", "sun", "rises"], ["cold", "winter", "night"], ["we", "like", "tea"]];
// A score that is further from its row's largest has next to no weight, and no exponential to look up.
const FURTHEST = 5;
const TRIES = 200;
// Two heads of two dimensions, of which the first is the example: with the unit vectors as tokens its queries are W_Q's own rows.
const LAYER = Object.freeze({ d_model: 4, n_heads: 2, n_kv_heads: 2, scaled: true, temperature: 1, positions: false, seed: 0 });

/**
 * One worksheet: {seed, names, causal, query, key, value (n, 2) whole numbers; scores, scaled, weights (n, n) and output (n, 2);
 * steps: the differences from a row's largest score that occur, for which the sheet lists the exponentials}.
 */
export function worksheet(seed, { tokens = 2, causal = false } = {}) {
  if (!TOKENS.includes(tokens)) throw new RangeError(`A worksheet has ${TOKENS.join(" or ")} tokens; got ${tokens}.`);
  const draws = random(seed);
  const names = draws.pick(TEXTS.filter((words) => words.length === tokens));
  for (let i = 0; i < TRIES; i++) {
    const [query, key, value] = [[-2, 2], [-2, 2], [0, 4]].map(([low, high]) => matrixOf(tokens, () => draws.int(low, high)));
    const made = keyOf({ query, key, value, causal });
    if (isFair(made, { query, key, value })) return { seed, names, causal, query, key, value, ...made };
  }
  throw new Error(`No easy numbers were found for seed ${seed}.`);
}

/** The worksheets of a class: one for each seed from the first one on. */
export function worksheets({ students, first, tokens, causal }) {
  const fits = (value, low, high) => Number.isInteger(value) && value >= low && value <= high;
  if (!fits(students, 1, MOST.students)) throw new RangeError(`A class has 1 to ${MOST.students} students here; print the others from a later seed.`);
  if (!fits(first, 0, MOST.seed)) throw new RangeError(`The first seed is a whole number from 0 to ${MOST.seed}.`);
  return Array.from({ length: students }, (_, i) => worksheet(first + i, { tokens, causal }));
}

function matrixOf(rows, draw) {
  const made = shaped([rows, D]);
  for (let i = 0; i < made.length; i++) made[i] = draw();
  return made;
}

/** Scores, scaled scores, weights and output of given queries, keys and values, by the layer. */
function keyOf({ query, key, value, causal }) {
  const n = query.shape[0];
  const x = shaped([n, LAYER.d_model]);
  for (let i = 0; i < n; i++) x[i * LAYER.d_model + i] = 1;
  const blank = () => shaped([LAYER.d_model, LAYER.d_model]);
  const weights = { query: widened(query), key: widened(key), value: widened(value), output: blank() };
  const pass = forward(x, weights, checked({ ...LAYER, causal }));
  const first = (array) => {
    const [, rows, columns] = array.shape;
    return Object.assign(array.slice(0, rows * columns), { shape: [rows, columns] });
  };
  const made = { scores: first(pass.scores), scaled: first(pass.scaled), masked: first(pass.masked), weights: first(pass.weights), output: first(pass.heads) };
  return { ...made, steps: stepsOf(made) };
}

/** (n, 2) as the first rows and columns of a layer's matrix. */
function widened(matrix) {
  const made = shaped([LAYER.d_model, LAYER.d_model]);
  for (let row = 0; row < matrix.shape[0]; row++) for (let at = 0; at < D; at++) made[row * LAYER.d_model + at] = matrix[row * D + at];
  return made;
}

/** By how much scores lie below their row's largest, each once, 0 first. */
function stepsOf({ scores, masked }) {
  const n = scores.shape[0];
  const found = new Set([0]);
  for (let row = 0; row < n; row++) {
    const open = Array.from({ length: n }, (_, column) => row * n + column).filter((i) => Number.isFinite(masked[i])).map((i) => scores[i]);
    open.forEach((score) => found.add(Math.max(...open) - score));
  }
  return [...found].sort((one, other) => one - other);
}

/** Whether there is something to compute in each row, and nothing that is too much. */
function isFair({ steps }, { query, key }) {
  const [n] = query.shape;
  const isZero = (matrix) => Array.from({ length: n }, (_, row) => matrix.subarray(row * D, (row + 1) * D)).some((row) => row.every((value) => value === 0));
  return !isZero(query) && !isZero(key) && steps.length > 1 && steps.every((step) => step <= FURTHEST);
}
