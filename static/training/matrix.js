/**
 * The three products of matrices that a forward and a backward pass are made of, on flat arrays by rows, written into an
 * array that is there already: nothing is made anew in a step of training.
 */

/** out (n, m) = a (n, k) · b (k, m). */
export function multiply(out, a, b, n, k, m) {
  for (let i = 0; i < n; i++) {
    const to = i * m;
    for (let j = 0; j < m; j++) out[to + j] = 0;
    for (let l = 0; l < k; l++) {
      const factor = a[i * k + l];
      const from = l * m;
      for (let j = 0; j < m; j++) out[to + j] += factor * b[from + j];
    }
  }
}

/** out (k, m) = aᵀ · b, of a (n, k) and b (n, m): how a matrix's gradient comes from its inputs and its outputs' gradient. */
export function fromLeft(out, a, b, n, k, m) {
  for (let at = 0; at < k * m; at++) out[at] = 0;
  for (let i = 0; i < n; i++) {
    const from = i * m;
    for (let l = 0; l < k; l++) {
      const factor = a[i * k + l];
      const to = l * m;
      for (let j = 0; j < m; j++) out[to + j] += factor * b[from + j];
    }
  }
}

/** out (n, k) = a · bᵀ, of a (n, m) and b (k, m): how the inputs' gradient comes from the outputs'. */
export function fromRight(out, a, b, n, k, m) {
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < k; l++) {
      let sum = 0;
      for (let j = 0; j < m; j++) sum += a[i * m + j] * b[l * m + j];
      out[i * k + l] = sum;
    }
  }
}
