/** Answers of lesson 5: weighted values. */

const version = new URL(import.meta.url).search;
const { largest } = await import(`../tiny.js${version}`);

export const answers = {
  /** 25: whether a number can come out of a head whose values are single numbers. */
  in_the_hull: (random) => {
    const values = [random.int(-6, -1), random.int(0, 4), random.int(5, 9)];
    const out = random.int(-9, 12);
    const [x, y, z] = random.shuffle(values);
    return { given: { x, y, z, out }, answer: out > Math.min(x, y, z) && out < Math.max(x, y, z) ? 0 : 1 };
  },
  /** 26: which of two tokens brings more: weight times the length of its value. */
  brings_more: (random) => {
    for (;;) {
      const high = random.int(6, 9);
      const [w_a, w_b] = [high / 10, (10 - high) / 10];
      const [length_a, length_b] = [random.int(1, 20) / 10, random.int(1, 60) / 10];
      const sizes = [w_a * length_a, w_b * length_b];
      if (Math.abs(sizes[0] - sizes[1]) > 0.05) return { given: { w_a, w_b, length_a, length_b }, answer: largest(sizes) };
    }
  },
  /** 27: in how many directions weights can move without moving the output. */
  free_directions: (random) => {
    const width = random.int(2, 16);
    const n = width + random.int(2, 20);
    return { given: { n, width }, answer: n - width - 1 };
  },
  /** What a row's second weight becomes when the edge to the first is cut before the softmax. */
  cut_edge: (random) => {
    const [a, b] = [random.int(20, 80), random.int(5, 15)];
    return { given: { a: a / 100, b: b / 100, c: (100 - a - b) / 100 }, answer: b / (100 - a) };
  },
};
