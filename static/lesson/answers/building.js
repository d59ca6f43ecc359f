/** Check questions of the lesson on building: reshaping, averaged heads, dropout, and the order of sums. */

const round = (value, places) => Number(value.toFixed(places));

/** `value` as a machine keeps it that has this many significant decimal digits. */
const kept = (value, digits) => Number(value.toPrecision(digits));

export const answers = {
  /** 53: where a vector comes from after view(h, n, d), which cuts across tokens. */
  split_heads: (random) => {
    const [n, h, d] = [random.int(4, 8), random.int(2, 4), random.pick([2, 4, 8])];
    const cells = Array.from({ length: n * h }, (_, at) => [Math.floor(at / n), at % n]).filter(([head, place]) => tokenAt({ n, h, head, place }) !== place);
    const [head, place] = random.pick(cells);
    return { given: { n, h, d, width: h * d, head, place }, answer: tokenAt({ n, h, head, place }), tolerance: 0 };
  },

  /** 54: what a map of averaged heads says of one cell. */
  averaged: (random) => {
    const h = random.pick([2, 4]);
    const low = random.int(1, 8) / 100;
    const high = random.int(70, 99) / 100;
    const list = random.shuffle(Array.from({ length: h }, (_, i) => (i ? low : high)));
    return { given: { h, low, high, list: list.join(", ") }, answer: list.reduce((sum, one) => sum + one, 0) / h, tolerance: 0.01 };
  },

  /** 55: what a row of weights sums to after dropout. */
  dropout_sum: (random) => {
    const a = random.int(40, 60);
    const b = random.int(15, 25);
    const c = random.int(5, 10);
    const weights = [a, b, c, 100 - a - b - c].map((part) => part / 100);
    const [p, dropped] = [random.pick([0.1, 0.2, 0.5]), random.int(0, 3)];
    const left = weights.reduce((sum, one, i) => (i === dropped ? sum : sum + one / (1 - p)), 0);
    return { given: { a: weights[0], b: weights[1], c: weights[2], d: weights[3], p, dropped: dropped + 1 }, answer: left, tolerance: 0.01 };
  },

  /** 57: how far two orders of the same sum end apart, where each step is rounded. */
  last_digits: (random) => {
    const big = random.int(2, 9) * 100;
    const [small, count] = random.pick([[0.3, 2], [0.3, 3], [0.3, 4], [0.4, 2], [0.4, 3], [0.4, 4], [0.2, 3], [0.3, 6], [0.4, 6], [0.2, 8]]);
    const ways = [[big, ...Array(count).fill(small)], [...Array(count).fill(small), big]];
    const [first, last] = ways.map((terms) => terms.reduce((sum, term) => kept(sum + term, 3), 0));
    return { given: { big, small, count }, answer: round(last - first, 6), tolerance: 0.001 };
  },
};

/** The token whose numbers lie at this head and place when (n, h·d) numbers are read as (h, n, d). */
function tokenAt({ n, h, head, place }) {
  return Math.floor((head * n + place) / h);
}
