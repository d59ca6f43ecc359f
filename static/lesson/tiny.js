/** One head that is small enough to print: tokens of a few numbers each, and the steps between them as rows of numbers. */

const version = new URL(import.meta.url).search;
const { embedded, weightsOf } = await import(`../local/layer.js${version}`);

/** Rows of numbers of an array with a shape of two axes. */
export const rowsOf = (array) => Array.from({ length: array.shape[0] }, (_, row) => Array.from(array.subarray(row * array.shape[1], (row + 1) * array.shape[1])));

/** The tokens' vectors, one row a token, and the head's own matrices {query, key, value}, each d rows of d columns. */
export function tinyOf(tokens, { d, seed, positions = false }) {
  const settings = { d_model: d, n_heads: 1, positions, seed };
  const { query, key, value } = weightsOf(settings);
  return { x: rowsOf(embedded(tokens, settings).x), query: rowsOf(query), key: rowsOf(key), value: rowsOf(value) };
}

/** Σ aᵢ·bᵢ. */
export const dot = (a, b) => a.reduce((sum, one, i) => sum + one * b[i], 0);

/** Rows (n, a) times a matrix (a, b): (n, b). */
export const times = (rows, matrix) => rows.map((row) => matrix[0].map((_, column) => row.reduce((sum, one, i) => sum + one * matrix[i][column], 0)));

/** The same with rows and columns exchanged. */
export const turned = (rows) => rows[0].map((_, column) => rows.map((row) => row[column]));

/** Each row's numbers as weights that sum to 1; NaN where all of them are −∞, as the formula says. */
export function softmax(row) {
  const top = Math.max(...row);
  const parts = row.map((one) => Math.exp(one - top));
  const sum = parts.reduce((all, one) => all + one, 0);
  return parts.map((one) => one / sum);
}

/** −Σ p·ln p, in nats. */
export const entropy = (row) => -row.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0);

/** The largest difference between two tables, cell by cell. */
export const farthest = (a, b) => a.reduce((most, row, i) => row.reduce((own, one, j) => Math.max(own, Math.abs(one - b[i][j])), most), 0);

/** The length of a vector. */
export const lengthOf = (vector) => Math.sqrt(dot(vector, vector));

/** The place of the largest number; the first of several. */
export const largest = (row) => row.reduce((top, one, i) => (one > row[top] ? i : top), 0);

/** Scores of all queries and keys, divided by √d, the weights, the values and what comes out, of tokens' vectors x. */
export function headOf({ x, query, key, value }, { biases = {}, allowed = () => true } = {}) {
  const project = (matrix, bias) => times(x, matrix).map((row) => row.map((one, i) => one + (bias ? bias[i] : 0)));
  const [q, k, v] = [project(query, biases.query), project(key, biases.key), project(value, biases.value)];
  const scores = q.map((row) => k.map((other) => dot(row, other) / Math.sqrt(row.length)));
  const weights = scores.map((row, i) => softmax(row.map((one, j) => (allowed(i, j) ? one : -Infinity))));
  return { q, k, v, scores, weights, output: times(weights, v) };
}
