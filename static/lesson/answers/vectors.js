/** Answers of lesson 2: queries, keys and values. */

const version = new URL(import.meta.url).search;
const { dot, farthest, headOf, largest, times } = await import(`../tiny.js${version}`);

const SAME = 1e-9;

export const answers = {
  /** 6: one number of a query, x·W_Q. */
  query_number: (random) => {
    const [a, b, p, q, r, s] = Array.from({ length: 6 }, () => random.int(-4, 4));
    return { given: { a, b, p, q, r, s }, answer: times([[a, b]], [[p, q], [r, s]])[0][1] };
  },
  /** 7: with X in place of Q and K, which token the first one scores highest. */
  own_score: (random) => {
    const side = () => random.int(-4, 4);
    for (;;) {
      const [a, b, c, d, e, f] = Array.from({ length: 6 }, side);
      const scores = [[a, b], [c, d], [e, f]].map((other) => dot([a, b], other));
      const sorted = [...scores].sort((one, other) => other - one);
      if (sorted[0] > sorted[1]) return { given: { a, b, c, d, e, f }, answer: largest(scores) };
    }
  },
  /** 8: how many times fewer numbers two d × d_k matrices hold than one d × d. */
  two_matrices: (random) => {
    const [d_model, heads] = [random.pick([128, 256, 512, 768, 1024]), random.pick([4, 8, 16])];
    return { given: { d_model, heads }, answer: (d_model * d_model) / (2 * d_model * (d_model / heads)) };
  },
  /** 9: a product after both vectors, or the query alone, were turned. */
  turned_product: (random) => {
    const [a, b, c, d] = Array.from({ length: 4 }, () => random.int(1, 6));
    const what = random.pick(["both are turned", "q alone is turned"]);
    const angle = random.pick([90, 180, 270]);
    const turned = ([x, y]) => ({ 90: [-y, x], 180: [-x, -y], 270: [y, -x] })[angle];
    const key = what === "both are turned" ? turned([c, d]) : [c, d];
    return { given: { a, b, c, d, what, angle }, answer: dot(turned([a, b]), key) };
  },
  /** 10: what a bias on the query, the key or the value changes: nothing, the weights, or every output by one vector. */
  bias_effect: (random) => {
    const side = random.pick(["query", "key", "value"]);
    const bias = random.pick([-3, -2, -1, 1, 2, 3]);
    const x = [[1, 0.5], [-1, 2], [0.5, -1]];
    const one = [[1, 0], [0, 1]];
    const head = { x, query: one, key: one, value: one };
    const [before, after] = [headOf(head), headOf(head, { biases: { [side]: [bias, bias] } })];
    const [weights, outputs] = ["weights", "output"].map((name) => farthest(before[name], after[name]));
    return { given: { side, bias }, answer: weights > SAME ? 1 : outputs > SAME ? 2 : 0 };
  },
};
