/** Answers of the lesson on positions. */

const version = new URL(import.meta.url).search;
const { sinusoid } = await import(`../places.js${version}`);

const dot = (one, other) => one.reduce((sum, value, i) => sum + value * other[i], 0);

export const answers = {
  /** 42: which old row a new row equals, without positions and without a mask. */
  shuffled_rows: (random) => {
    const n = random.int(4, 8);
    const order = random.shuffle(Array.from({ length: n }, (_, i) => i + 1));
    const place = random.int(1, n);
    return { given: { n, order: order.join(", "), place }, answer: order[place - 1], tolerance: 0 };
  },

  /** 43: under a causal mask, how many words keep their rows when two change places: those with the same words before them. */
  rows_kept: (random) => {
    const n = random.int(6, 12);
    const one = random.int(1, n - 2);
    const other = random.int(one + 1, n - 1);
    const order = Array.from({ length: n }, (_, i) => (i + 1 === one ? other : i + 1 === other ? one : i + 1));
    const before = (word, list) => list.slice(0, list.indexOf(word)).sort((a, b) => a - b).join();
    const first = [...order].sort((a, b) => a - b);
    return { given: { n, one, other }, answer: first.filter((word) => before(word, first) === before(word, order)).length, tolerance: 0 };
  },

  /** 44: the product of two sinusoidal places as far apart as two others. */
  same_distance: (random) => {
    const d = random.pick([16, 32, 64]);
    const [k, p, other] = [random.int(1, 5), random.int(0, 20), random.int(30, 90)];
    const product = (place) => dot(sinusoid(place, d), sinusoid(place + k, d));
    return { given: { d, p, end: p + k, other, other_end: other + k, product: product(p).toFixed(2) }, answer: product(other), tolerance: 0.01 };
  },

  /** What one head of ALiBi takes from a score at a distance. */
  score_taken: (random) => {
    const heads = random.pick([4, 8]);
    const [head, distance] = [random.int(0, heads / 2 - 1), random.int(2, 40)];
    return { given: { heads, head, distance }, answer: distance * 2 ** ((-8 * (head + 1)) / heads) };
  },

  /** How many numbers T5's bias learns, which all layers share. */
  learned_biases: (random) => {
    const [layers, heads, buckets] = [random.pick([6, 12, 24]), random.pick([8, 12, 16]), random.pick([16, 32, 64])];
    return { given: { layers, heads, buckets }, answer: heads * buckets, tolerance: 0 };
  },

  /** 45: q·k after rotary turns, from two lengths and the angle that is left. */
  turned_score: (random) => {
    const [long, short] = [random.int(2, 5), random.int(1, 4)];
    const turn = random.pick([10, 15, 20, 30]);
    const steps = random.pick([60, 120, 180]) / turn;
    const key = random.int(1, 20);
    return { given: { long, short, turn, query: key + steps, key }, answer: long * short * Math.cos((turn * steps * Math.PI) / 180) };
  },
};
