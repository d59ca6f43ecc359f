/**
 * A stack of residual blocks at initialisation, norm before or after, and the gradient of a random readout through it. Each
 * block's work is one random matrix with entries of variance 1/d, in place of attention and feed-forward.
 */

const TINY = 1e-5;

/**
 * {sizes: root mean square of the stream after each block, gradients: that of the readout's gradient as it arrives at each
 * block's output, from the first block to the last}. kind: "pre" (x + F(norm x), one more norm at the end) or "post"
 * (norm(x + F(x))). random: as from `local/random.js`.
 */
export function stacked(kind, blocks, d, random) {
  const normal = () => random.normal();
  const matrices = Array.from({ length: blocks }, () => Float64Array.from({ length: d * d }, () => normal() / Math.sqrt(d)));
  const readout = Float64Array.from({ length: d }, normal);
  const inputs = [normed(Float64Array.from({ length: d }, normal))];
  for (const matrix of matrices) inputs.push(block(kind, inputs.at(-1), matrix).stream);
  return {
    sizes: inputs.slice(1).map(sizeOf),
    gradients: backwards(kind, inputs, matrices, readout),
  };
}

/** Root mean square. */
export function sizeOf(x) {
  return Math.sqrt(x.reduce((sum, one) => sum + one * one, 0) / x.length);
}

/** Mean 0 and variance 1, without gain or bias. */
export function normed(x) {
  const { centred, spread } = measured(x);
  return centred.map((one) => one / spread);
}

/** The gradient before a norm of x, of one after it: what the norm lets through (Ba et al. 2016). */
export function throughNorm(x, gradient) {
  const { centred, spread } = measured(x);
  const own = centred.map((one) => one / spread);
  const mean = gradient.reduce((sum, one) => sum + one, 0) / x.length;
  const along = gradient.reduce((sum, one, i) => sum + one * own[i], 0) / x.length;
  return gradient.map((one, i) => (one - mean - own[i] * along) / spread);
}

function measured(x) {
  const mean = x.reduce((sum, one) => sum + one, 0) / x.length;
  const centred = x.map((one) => one - mean);
  return { centred, spread: Math.sqrt(centred.reduce((sum, one) => sum + one * one, 0) / x.length + TINY) };
}

function block(kind, x, matrix) {
  const made = times(matrix, kind === "pre" ? normed(x) : x);
  const sum = x.map((one, i) => one + made[i]);
  return { sum, stream: kind === "pre" ? sum : normed(sum) };
}

/** How large the gradient is that each block's work F is given, from the first block to the last. */
function backwards(kind, inputs, matrices, readout) {
  const found = [];
  let gradient = kind === "pre" ? throughNorm(inputs.at(-1), readout) : readout;
  for (let i = matrices.length - 1; i >= 0; i--) {
    const x = inputs[i];
    if (kind === "post") gradient = throughNorm(block(kind, x, matrices[i]).sum, gradient);
    found.unshift(sizeOf(gradient));
    const back = timesTransposed(matrices[i], gradient);
    const inner = kind === "pre" ? throughNorm(x, back) : back;
    const before = gradient;
    gradient = before.map((one, at) => one + inner[at]);
  }
  return found;
}

function times(matrix, x) {
  const d = x.length;
  return x.map((_, row) => {
    let sum = 0;
    for (let i = 0; i < d; i++) sum += matrix[row * d + i] * x[i];
    return sum;
  });
}

function timesTransposed(matrix, y) {
  const d = y.length;
  return y.map((_, column) => {
    let sum = 0;
    for (let i = 0; i < d; i++) sum += matrix[i * d + column] * y[i];
    return sum;
  });
}
