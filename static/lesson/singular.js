/** The singular values of a small matrix, by one-sided Jacobi rotations (Golub and Van Loan, “Matrix Computations”, §8.6). */

const MOST_SWEEPS = 40;
const SETTLED = 1e-13;

/** From large to small, as float64. matrix: a typed array with `shape` [rows, columns]. */
export function singularValues(matrix) {
  const [rows, columns] = matrix.shape;
  const vectors = Array.from({ length: columns }, (_, column) => Float64Array.from({ length: rows }, (__, row) => matrix[row * columns + column]));
  for (let sweep = 0; sweep < MOST_SWEEPS && turned(vectors); sweep++);
  return Float64Array.from(vectors, (vector) => Math.sqrt(dot(vector, vector))).sort().reverse().slice(0, Math.min(rows, columns));
}

/** How many singular values are more than rounding, beside the largest. float32 keeps seven digits. */
export function rankOf(values, share = 1e-5) {
  return values.filter((value) => value > share * values[0]).length;
}

/** One sweep over all pairs of columns; whether any was turned. */
function turned(vectors) {
  let isTurned = false;
  for (let p = 0; p < vectors.length - 1; p++) {
    for (let q = p + 1; q < vectors.length; q++) isTurned = turn(vectors[p], vectors[q]) || isTurned;
  }
  return isTurned;
}

/** Turn two columns within their plane until they are at right angles. */
function turn(one, other) {
  const [a, b, c] = [dot(one, one), dot(other, other), dot(one, other)];
  if (Math.abs(c) <= SETTLED * Math.sqrt(a * b) || c === 0) return false;
  const zeta = (b - a) / (2 * c);
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cos = 1 / Math.sqrt(1 + t * t);
  const sin = cos * t;
  for (let i = 0; i < one.length; i++) [one[i], other[i]] = [cos * one[i] - sin * other[i], sin * one[i] + cos * other[i]];
  return true;
}

function dot(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += one[i] * other[i];
  return sum;
}
