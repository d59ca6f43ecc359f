/**
 * What attention and recurrent layers cost, as closed forms, in multiply-adds and in counts of numbers: the browser's side
 * of `attention/cost.py`, which counts each multiply-add as 2 FLOPs. n tokens, m = d_model, h heads, g key-value heads, d = m / h.
 * Softmax, masks and biases are left out of the multiply-adds.
 */

/** One attention layer: {parameters, projections, attention, maps, kept, cache}; parameters with the four biases. */
export function costOf({ n, m, h = 1, g = h }) {
  const shared = (m / h) * g;
  const weights = 2 * m * m + 2 * m * shared;
  return {
    parameters: weights + 2 * m + 2 * shared,
    projections: n * weights,
    attention: 2 * n * n * m,
    maps: h * n * n,
    kept: 2 * n * (m + shared),
    cache: 2 * n * shared,
  };
}

/** Products of input and state with their weights, d × d each, a step: Elman's one gate, a GRU's three, an LSTM's four. */
const MATRICES = { rnn: 2, gru: 6, lstm: 8 };

/** A recurrent layer whose input and state have m numbers, over n steps. name: rnn, gru or lstm. */
export function recurrentOf(name, n, m) {
  return MATRICES[name] * n * m * m;
}

/** The block's feed-forward layer of width 4m, m → 4m → m. */
export function feedForwardOf(n, m) {
  return 8 * n * m * m;
}

/** One new token at place n in one layer: {cached, again, windowed (w keys at most)}; projections and attention together. */
export function stepOf({ n, m, w }) {
  const whole = costOf({ n, m });
  return {
    cached: 4 * m * m + 2 * n * m,
    again: whole.projections + whole.attention,
    windowed: 4 * m * m + 2 * Math.min(n, w) * m,
  };
}

/** Bytes that a cache of keys and values takes for each token. */
export function cacheBytes({ layers, kvHeads, width, bytes }) {
  return 2 * layers * kvHeads * width * bytes;
}

/** Bytes in words: KiB, MiB, GiB, as powers of 1024. */
export function bytesIn(value) {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  const amount = value / 1024 ** power;
  return `${Number(amount.toPrecision(4)).toLocaleString("en")} ${["bytes", "KiB", "MiB", "GiB", "TiB"][power]}`;
}
