/** Answers of lesson 3: scores, and why they are divided. */

const version = new URL(import.meta.url).search;
const { softmax } = await import(`../tiny.js${version}`);

const RADIANS = Math.PI / 180;
const RULES = {
  "the paper’s rule, ÷ √128": (score) => score / Math.sqrt(128),
  "no division, as in T5": (score) => score,
  "÷ 12, then 50·tanh(s ÷ 50), as in Gemma 2 27B": (score) => 50 * Math.tanh(score / 12 / 50),
};

export const answers = {
  /** 11: a symmetric table of scores, and one of the two weights that mirror each other. */
  mirrored_weight: (random) => {
    const [a, b, c] = [random.int(-2, 2), random.int(-2, 2), random.int(-2, 2)];
    const row = random.int(1, 2);
    const other = 3 - row;
    const scores = [[a, b], [b, c]];
    return { given: { a, b, c, row, other }, answer: softmax(scores[row - 1])[other - 1] };
  },
  /** 12: the standard deviation of q·k. */
  sqrt_d: (random) => {
    const d = random.pick([4, 16, 25, 64, 100, 256, 400]);
    return { given: { d }, answer: Math.sqrt(d) };
  },
  /** 13: the larger of two weights, with the scale or without. */
  saturated: (random) => {
    const [d, gap] = [random.pick([16, 64, 100, 256]), random.int(4, 12)];
    const scale = random.pick(["without the scale", "with the scale"]);
    return { given: { d, gap, scale }, answer: softmax([scale === "with the scale" ? gap / Math.sqrt(d) : gap, 0])[0], tolerance: 0.01 };
  },
  /** 14: the mean of q·k where the numbers' means are not 0. */
  mean_score: (random) => {
    const d = random.pick([16, 32, 64, 128]);
    const [mean_q, mean_k] = [random.pick([-1, -0.5, 0.5, 1]), random.pick([-1, -0.5, 0.5, 1, 2])];
    return { given: { d, mean_q, mean_k }, answer: d * mean_q * mean_k };
  },
  /** 15: what scores are divided by, of d_model and the heads. */
  divisor: (random) => {
    const [d_model, heads] = random.pick([[512, 8], [1024, 16], [256, 16], [576, 9], [144, 9], [2304, 9], [512, 2], [800, 8]]);
    return { given: { d_model, heads }, answer: Math.sqrt(d_model / heads) };
  },
  /** 16: what enters the softmax, by three models' rules. */
  model_rule: (random) => {
    const score = random.pick([-400, -120, 60, 144, 300, 600, 1200]);
    const rule = random.pick(Object.keys(RULES));
    return { given: { score, rule }, answer: RULES[rule](score) };
  },
  /** 17: which of two keys scores higher, by length and angle. */
  long_key: (random) => {
    for (;;) {
      const [length_a, length_b] = [random.int(1, 6), random.int(1, 6)];
      const [angle_a, angle_b] = [random.pick([0, 30, 45, 60]), random.pick([0, 30, 45, 60, 75])];
      const [first, second] = [length_a * Math.cos(angle_a * RADIANS), length_b * Math.cos(angle_b * RADIANS)];
      if (Math.abs(first - second) > 0.2) return { given: { length_a, length_b, angle_a, angle_b }, answer: first > second ? 0 : 1 };
    }
  },

  /** The larger weight of two, after the scores were divided by a temperature. */
  tempered_head: (random) => {
    const high = random.int(55, 95) / 100;
    const t = random.pick([0.25, 0.5, 2, 4]);
    const low = Number((1 - high).toFixed(2));
    return { given: { high, low, t }, answer: 1 / (1 + Math.exp(-Math.log(high / low) / t)) };
  },
};
