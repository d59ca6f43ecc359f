/** Check questions of the interview lesson: by hand, duplicates, averages, depth, sinks, and removal. */

export const answers = {
  /** 58: a number of the output, by hand. */
  by_hand: (random) => {
    const c = random.pick([0.5, 1, 1.5, 2]);
    const [v1, v2] = [random.int(1, 4), random.int(6, 9)];
    const other = Math.exp(-(c * c) / Math.SQRT2);
    return { given: { c, v1, v2 }, answer: (v1 + other * v2) / (1 + other), tolerance: 0.01 };
  },

  /** 59: the weight of one key's copies, all scores equal. */
  duplicates: (random) => {
    const [n, r] = [random.int(3, 9), random.int(2, 6)];
    return { given: { n, r, others: n - 1 }, answer: r / (n - 1 + r), tolerance: 0.01 };
  },

  /** 50: the largest weight of the average of two heads' rows. */
  opposite: (random) => {
    const [a, b, rest] = [random.int(80, 96), random.int(80, 96), random.int(1, 3)];
    const rows = [[a, rest, 100 - a - rest], [100 - b - rest, rest, b]].map((row) => row.map((part) => part / 100));
    const mean = rows[0].map((one, i) => (one + rows[1][i]) / 2);
    return { given: { first: rows[0].join(", "), second: rows[1].join(", ") }, answer: Math.max(...mean), tolerance: 0.01 };
  },

  /** 52: how many rows differ after some layers, when one token was changed. */
  mixed: (random) => {
    const [n, causal] = [random.int(5, 12), random.pick([true, false])];
    const [changed, layers] = [random.int(2, n), random.pick([0, 1, 2, 6])];
    const reached = causal ? n - changed + 1 : n;
    return { given: { n, changed, layers, mask: causal ? "with a causal mask" : "without a mask" }, answer: layers ? reached : 1, tolerance: 0 };
  },

  /** 48: how long the output is when weight is parked on a token without a value. */
  parked: (random) => {
    const [n, s] = [random.int(5, 20), random.int(2, 6)];
    return { given: { n, s, others: n - 1 }, answer: (n - 1) / (Math.exp(s) + n - 1), tolerance: 0.02 };
  },

  /** 49: on which of three tokens an answer depends most: the largest effect of removal, not the largest weight. */
  depends: (random) => {
    const weights = random.pick([[0.62, 0.25, 0.13], [0.71, 0.17, 0.12], [0.55, 0.3, 0.15]]);
    const effects = random.shuffle([random.int(1, 9), random.int(30, 45), random.int(55, 80)]).map((part) => part / 100);
    const order = random.shuffle([0, 1, 2]);
    const given = Object.fromEntries(order.flatMap((from, i) => [[`w${i}`, weights[from]], [`e${i}`, effects[from]]]));
    return { given, answer: [0, 1, 2].reduce((best, i) => (given[`e${i}`] > given[`e${best}`] ? i : best), 0) };
  },
};
