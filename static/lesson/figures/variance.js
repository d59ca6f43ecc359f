/** How far scores of random queries and keys spread as their vectors grow longer, measured, beside what is expected. */

const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { slider }, { another, panel }, { random }] = await Promise.all(
  ["../../headlight", "../../draw/chart", "../../draw/inputs", "../../draw/panel", "../../local/random"].map((name) => import(`${name}.js${version}`)));

const SIZES = [4, 16, 64, 256, 1024];
const PAIRS = 500;

export default function ({ root, settings, context }) {
  const state = { d: settings.d, mean: settings.mean, seed: settings.seed };
  const sums = known();
  const controls = (draw) => [
    slider({ label: "d_k", values: SIZES, value: state.d, change: (d) => { state.d = d; draw(); } }),
    ...(settings.mean_control ? [slider({ label: "mean of every number", low: -2, high: 2, step: 0.1, digits: 1, value: state.mean, change: (mean) => { state.mean = mean; draw(); } })] : []),
    another(state, draw),
  ];
  const compute = () => {
    const all = SIZES.map((d) => ({ d, ...spreadOf(sums(d, state.seed), d, state.mean) }));
    const { mean, std } = all[SIZES.indexOf(state.d)];
    return { all, facts: { d: state.d, pairs: PAIRS, std, scaled: std / Math.sqrt(state.d), expected: expected(state.d, state.mean), mean, expected_mean: state.d * state.mean ** 2, root: Math.sqrt(state.d),
      ends: all[SIZES.length - 1].std / all[0].std } };
  };
  return panel({ root, context, controls, compute, paint: ({ all, facts }, palette, room) => ({ shapes: [drawing(all, state, palette, room)], words: wordsOf(facts, state, settings) }) });
}

/** √Var(q·k) of d numbers of variance 1 and one mean: d(1 + 2·mean²) under the root. */
const expected = (d, mean) => Math.sqrt(d * (1 + 2 * mean ** 2));

/** Of each pair of normal vectors: Σ q·k, and Σ q + Σ k; kept, since a mean only shifts them. */
function known() {
  const kept = new Map();
  return (d, seed) => {
    const name = `${d} ${seed}`;
    if (!kept.has(name)) kept.set(name, drawn(d, seed));
    return kept.get(name);
  };
}

function drawn(d, seed) {
  const { normal } = random(seed);
  return Array.from({ length: PAIRS }, () => {
    let [product, sum] = [0, 0];
    for (let i = 0; i < d; i++) {
      const [q, k] = [normal(), normal()];
      product += q * k;
      sum += q + k;
    }
    return [product, sum];
  });
}

function spreadOf(pairs, d, shift) {
  const scores = pairs.map(([product, sum]) => product + shift * sum + d * shift * shift);
  const mean = scores.reduce((all, one) => all + one, 0) / scores.length;
  return { mean, std: Math.sqrt(scores.reduce((all, one) => all + (one - mean) ** 2, 0) / (scores.length - 1)) };
}

function drawing(all, { d, mean }, palette, room) {
  const line = (name, of, colour, more = {}) => ({ name, colour, points: all.map((one) => [one.d, of(one)]), ...more });
  return chart({
    palette, width: Math.min(640, room), label: `Spread of q·k: ${all.map((one) => `${ui.number(one.std, 3)} at d = ${one.d}`).join(", ")}; divided by √d: ${all.map((one) => ui.number(one.std / Math.sqrt(one.d), 3)).join(", ")}.`,
    x: { label: "d_k", log: true, from: 3, to: 1400 }, y: { label: "standard deviation", log: true, from: 0.5, to: 200 }, marks: [{ x: d, label: `d_k = ${d}` }],
    lines: [line("q·k, measured", (one) => one.std, palette.key, { dots: true }), line("expected", (one) => expected(one.d, mean), palette.muted, { dash: 1 }),
      line("q·k ÷ √d_k", (one) => one.std / Math.sqrt(one.d), palette.query, { dots: true })],
  });
}

function wordsOf({ d, pairs, std, scaled, expected: due, mean, expected_mean }, state, settings) {
  const centre = settings.mean_control ? ` Their mean is ${ui.number(mean, 3)}; expected are ${d} · ${ui.number(state.mean, 2)}² = ${ui.number(expected_mean, 3)}.` : "";
  return `${pairs} pairs at d_k = ${d}: q·k spreads by ${ui.number(std, 3)} (expected ${ui.number(due, 3)}), after division by √${d} by ${ui.number(scaled, 3)}.${centre}`;
}
