/** Answers of the lesson that takes a head apart: parts of a score, the stream's parts, layers, and changes of a probability. */

export const answers = {
  /** The score whose key was written by several parts. */
  parts_add: (random) => {
    const tenths = [random.int(40, 90), random.int(-20, 20), random.int(-15, 25), random.int(-9, 9)];
    const [a, b, m, e] = tenths.map((value) => value / 10);
    return { given: { a, b, m, e }, answer: tenths.reduce((sum, value) => sum + value, 0) / 10, tolerance: 0.001 };
  },

  /** How many parts are in the sum that a layer reads. */
  stream_parts: (random) => {
    const [h, l] = [random.pick([2, 4, 6, 8, 12]), random.int(0, 11)];
    return { given: { h, l }, answer: 1 + l * (h + 1), tolerance: 0 };
  },

  /** The first layer that reads what a head of a layer wrote. */
  earliest: (random) => {
    const l = random.int(0, 10);
    return { given: { l }, answer: l + 1, tolerance: 0 };
  },

  /** The change of ln p. */
  ln_change: (random) => {
    const [before, after] = [random.int(40, 95) / 100, random.int(1, 38) / 100];
    return { given: { before, after }, answer: Math.log(after / before) };
  },

  /** The change of p, whatever the weight was. */
  seen_or_done: (random) => {
    const [before, after] = [random.int(30, 95), random.int(5, 95)];
    const w = random.int(5, 99) / 100;
    return { given: { w, before: before / 100, after: after / 100 }, answer: (after - before) / 100 };
  },
};
