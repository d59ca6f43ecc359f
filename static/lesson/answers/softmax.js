/** Answers of lesson 4: softmax and temperature. */

const version = new URL(import.meta.url).search;
const { softmax } = await import(`../tiny.js${version}`);

export const answers = {
  /** 11: a symmetric table of scores, and one of the two weights that mirror each other. */
  mirrored_weight: (random) => {
    const [a, b, c] = [random.int(-2, 2), random.int(-2, 2), random.int(-2, 2)];
    const row = random.int(1, 2);
    const other = 3 - row;
    const scores = [[a, b], [b, c]];
    return { given: { a, b, c, row, other }, answer: softmax(scores[row - 1])[other - 1] };
  },
  /** 18: what a score divided by the sum of all would be: below 0 or above 1, and so no weight. */
  share_of_sum: (random) => {
    for (;;) {
      const [a, b, c] = [random.int(1, 5), random.int(-4, -1), random.int(-3, 3)];
      const share = a / (a + b + c);
      if (Number.isFinite(share) && (share < 0 || share > 1)) return { given: { a, b, c }, answer: share };
    }
  },
  /** By how much a key must be ahead of one rival for a weight. */
  gap_for_weight: (random) => {
    const weight = random.pick([0.6, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99]);
    return { given: { weight }, answer: Math.log(weight / (1 - weight)) };
  },
  /** 19: what all weights of a map sum to. */
  all_weights: (random) => {
    const [queries, keys] = [random.int(3, 12), random.int(13, 25)];
    const axis = random.pick(["over the keys", "over the queries (the bug)"]);
    return { given: { queries, keys, axis }, answer: axis === "over the keys" ? queries : keys };
  },
  /** 20: a weight, after the same number was added to every score. */
  shifted: (random) => {
    const [a, b] = [random.int(-2, 2), random.int(-2, 2)];
    const shift = random.pick([-500, 100, 1000]);
    // Taken apart from the largest, as a program does: exp(1000) is more than any number it has.
    return { given: { a, b, shift, a_shifted: a + shift, b_shifted: b + shift }, answer: softmax([a + shift, b + shift])[0] };
  },
  /** 21: how a weight moves with its own score, or with another's. */
  slope: (random) => {
    const p = random.pick([0.1, 0.2, 0.3, 0.4, 0.5]);
    const other = random.pick([0.1, 0.2, 0.3, 0.4]);
    const of = random.pick(["its own score", "the other key’s score"]);
    return { given: { p, other, of }, answer: of === "its own score" ? p * (1 - p) : -p * other };
  },
  /** 22: what is left for the tokens, where an extra score of 0 takes its share. */
  softmax_one: (random) => {
    const [a, b] = [random.int(-4, 2), random.int(-4, 2)];
    const [, first, second] = softmax([0, a, b]);
    return { given: { a, b }, answer: first + second };
  },
  /** 23: one key ahead by a fixed gap, among n. */
  diluted: (random) => {
    const [gap, n] = [random.int(3, 8), random.pick([10, 50, 100, 500, 1000])];
    return { given: { gap, n }, answer: softmax([gap, ...Array(n - 1).fill(0)])[0] };
  },
  /** 24: the larger of two weights at a temperature. */
  tempered: (random) => {
    const [gap, temperature] = [random.int(1, 4), random.pick([0.25, 0.5, 2, 4, 10])];
    return { given: { gap, temperature }, answer: softmax([gap / temperature, 0])[0] };
  },
  /** The larger weight of two, after the scores were divided by a temperature. */
  tempered_head: (random) => {
    const high = random.int(55, 95) / 100;
    const t = random.pick([0.25, 0.5, 2, 4]);
    const low = Number((1 - high).toFixed(2));
    return { given: { high, low, t }, answer: 1 / (1 + Math.exp(-Math.log(high / low) / t)) };
  },
};
