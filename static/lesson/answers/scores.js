/** Answers of lesson 3: scores, and why they are divided. */

const version = new URL(import.meta.url).search;
const { softmax } = await import(`../tiny.js${version}`);

const RADIANS = Math.PI / 180;
const DIVISORS = { "not divided": () => 1, "divided by √d_k": Math.sqrt, "divided by d_k": (d) => d };
const RULES = {
  "the paper’s rule, ÷ √128": (score) => score / Math.sqrt(128),
  "no division, as in T5": (score) => score,
  "÷ 12, then 50·tanh(s ÷ 50), as in Gemma 2 27B": (score) => 50 * Math.tanh(score / 12 / 50),
};

export const answers = {
  /** 12: the standard deviation of q·k after one of three divisions. */
  sqrt_d: (random) => {
    const d = random.pick([4, 16, 25, 64, 100, 256, 400]);
    const divided = random.pick(Object.keys(DIVISORS));
    return { given: { d, divided }, answer: Math.sqrt(d) / DIVISORS[divided](d) };
  },
  /** 13: the larger of two weights, with the scale or without. */
  saturated: (random) => {
    const [d, gap] = [random.pick([16, 64, 100, 256]), random.int(4, 12)];
    const scale = random.pick(["without the scale", "with the scale"]);
    return { given: { d, gap, scale }, answer: softmax([scale === "with the scale" ? gap / Math.sqrt(d) : gap, 0])[0], tolerance: 0.01 };
  },
  /** 14: the mean or the variance of q·k where the numbers' means are not 0. */
  mean_score: (random) => {
    const d = random.pick([16, 32, 64, 128]);
    const [mean_q, mean_k] = [random.pick([-1, -0.5, 0.5, 1]), random.pick([-1, -0.5, 0.5, 1, 2])];
    const what = random.pick(["mean", "variance"]);
    return { given: { d, mean_q, mean_k, what }, answer: what === "mean" ? d * mean_q * mean_k : d * (1 + mean_q ** 2 + mean_k ** 2) };
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
};
