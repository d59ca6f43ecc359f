/** Answers of lesson 1: why self-attention. */

const version = new URL(import.meta.url).search;
const { softmax } = await import(`../tiny.js${version}`);

const FIXED = "a fully connected layer over places";
const OWN = "self-attention";

export const answers = {
  /** 1: steps between two places in a recurrent network, where attention takes one. */
  steps_apart: (random) => {
    const n = random.int(20, 60);
    const from = random.int(1, n - 10);
    const to = random.int(from + 2, n);
    return { given: { n, from, to }, answer: to - from };
  },
  /** 2: which layer takes fewer operations, n²d or nd². */
  fewer_operations: (random) => {
    const [n, d] = random.shuffle([128, 256, 512, 1024, 2048]);
    const [attention, recurrent] = [n * n * d, n * d * d];
    return { given: { n, d }, answer: attention < recurrent ? 0 : 1 };
  },
  /** 3: a weighted mean. */
  weighted_mean: (random) => {
    const a = random.int(1, 6);
    const b = random.int(1, 8 - a);
    const [w_a, w_b, w_c] = [a / 10, b / 10, (10 - a - b) / 10];
    const [x, y, z] = [random.int(-9, 9), random.int(-9, 9), random.int(10, 20)];
    return { given: { w_a, w_b, w_c, x, y, z }, answer: w_a * x + w_b * y + w_c * z };
  },
  /** 4: whether a weight changes with a word, where weights are fixed and where they are made of the words. */
  word_changed: (random) => {
    const layer = random.pick([FIXED, OWN]);
    const [first, before] = [random.int(1, 3), random.int(-3, 3)];
    const after = before + random.pick([-2, -1, 1, 2]);
    const fixed = random.uniform();
    const weightOf = (second) => (layer === FIXED ? fixed : softmax([first * first, first * second])[1]);
    return { given: { layer, first, before, after }, answer: weightOf(before) === weightOf(after) ? 1 : 0 };
  },
  /** 5: how many weights a map has, by where queries and keys come from. */
  map_size: (random) => {
    const [source, target] = [random.int(5, 30), random.int(5, 30)];
    const kinds = {
      "self-attention in the encoder": [source, source], "self-attention in the decoder": [target, target], "cross-attention": [target, source],
    };
    const kind = random.pick(Object.keys(kinds));
    const [queries, keys] = kinds[kind];
    return { given: { source, target, kind }, answer: queries * keys };
  },
};
