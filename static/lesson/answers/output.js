/** Answers of the lesson on concatenation and W_O. */

export const answers = {
  /** 40: what the second of two heads adds to one coordinate of the output. */
  second_head: (random) => {
    const [a, b, c, d, p, q, r, s] = Array.from({ length: 8 }, () => random.pick([-3, -2, -1, 1, 2, 3]));
    return { given: { a, b, c, d, p, q, r, s }, answer: c * r + d * s, tolerance: 0 };
  },

  /** 41: how many times as many numbers W_V·W_O of a head has, merged, as the two have apart. */
  merged: (random) => {
    const heads = random.pick([4, 8, 16, 32]);
    const width = random.pick([32, 64, 128]);
    const d = heads * width;
    return { given: { d, heads, width }, answer: (d * d) / (2 * d * width) };
  },
};
