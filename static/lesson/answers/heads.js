/** Answers of the lesson on many heads. */

const version = new URL(import.meta.url).search;
const { trained } = await import(`../twins.js${version}`);

const WORDS = ["fox", "sun", "hat", "bee", "key", "oak", "pie", "owl", "map", "cup"];
const STEPS = 20;

export const answers = {
  /** 35: the most that all of several places can have at once in one head's row. */
  several_places: (random) => {
    const places = random.int(2, 8);
    return { given: { places }, answer: 1 / places };
  },

  /** 36: how many numbers one head's W_Q has, each head reading all of x. */
  all_of_x: (random) => {
    const heads = random.pick([2, 4, 8, 16]);
    const d = heads * random.pick([8, 16, 32, 64]);
    return { given: { d, heads, width: d / heads }, answer: d * (d / heads), tolerance: 0 };
  },

  /** 37: parameters of the four projections with their biases, whatever the number of heads. */
  parameters: (random) => {
    const heads = random.pick([1, 2, 4, 8]);
    const d = random.pick([64, 128, 256, 512, 768, 1024]);
    return { given: { d, heads }, answer: 4 * d * d + 4 * d, tolerance: 0 };
  },

  /** 38: whether two heads that nothing but the loss trains are still copies. */
  copies: (random) => {
    const one = random.int(10, 99);
    const other = random.pick([one, random.int(100, 199)]);
    const { apart } = trained(one, other, STEPS, random.int(0, 99));
    return { given: { one, other }, answer: apart.at(-1) === 0 ? 0 : 1 };
  },

  /** 39: the largest rank that one head's scores can have. */
  bottleneck: (random) => {
    const heads = random.pick([2, 4, 8, 16]);
    const width = random.pick([4, 8, 16, 32]);
    const n = random.int(3, 90);
    return { given: { d: heads * width, heads, n }, answer: Math.min(n, width), tolerance: 0 };
  },

  /** 51: the place that a head looks at from the last word, by what it does. */
  named_heads: (random) => {
    const count = random.int(3, 6);
    const words = random.shuffle(WORDS).slice(0, count);
    const again = random.int(1, count - 1);
    const line = [...words, ...words.slice(0, again)];
    const last = line.length - 1;
    const before = line.indexOf(line[last]);
    const kind = random.pick(["a previous-token head", "a same-word head", "an induction head"]);
    const places = { "a previous-token head": last, "a same-word head": before + 1, "an induction head": before + 2 };
    return { given: { words: line.join(" "), kind, last: line[last] }, answer: places[kind], tolerance: 0 };
  },

  /** How many heads lose a prediction when each is switched off alone, of n of which k must be on. */
  spare_heads: (random) => {
    const n = random.int(2, 6);
    const k = random.pick([n, random.int(1, n)]);
    return { given: { n, k, left: n - 1 }, answer: k === n ? n : 0, tolerance: 0 };
  },
};
