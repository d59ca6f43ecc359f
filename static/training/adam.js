/**
 * AdamW (Loshchilov and Hutter 2019, algorithm 2) with the constants of torch.optim.AdamW: each parameter moves against
 * the mean of its gradients, measured in their own size, and shrinks a little by itself.
 */

const [MEAN, SQUARE, TINY, DECAY] = [0.9, 0.999, 1e-8, 0.01];

/** The function (parameters, gradient) that takes the next step, both flat arrays of that size. */
export function adam(size, rate) {
  const [means, squares] = [new Float64Array(size), new Float64Array(size)];
  let taken = 0;
  return (parameters, gradient) => {
    taken += 1;
    const step = rate / (1 - MEAN ** taken);
    const root = Math.sqrt(1 - SQUARE ** taken);
    for (let i = 0; i < size; i++) {
      const slope = gradient[i];
      means[i] = MEAN * means[i] + (1 - MEAN) * slope;
      squares[i] = SQUARE * squares[i] + (1 - SQUARE) * slope * slope;
      parameters[i] -= rate * DECAY * parameters[i] + (step * means[i]) / (Math.sqrt(squares[i]) / root + TINY);
    }
  };
}
