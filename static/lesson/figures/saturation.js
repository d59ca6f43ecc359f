/** The softmax over ten random keys as their vectors grow longer, with the scale and without it. */

const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { choices, slider }, { another, panel }, { random }, { dot, entropy, softmax }] = await Promise.all(
  ["../../headlight", "../../draw/chart", "../../draw/inputs", "../../draw/panel", "../../local/random", "../tiny"].map((name) => import(`${name}.js${version}`)));

const SIZES = [4, 16, 64, 256, 1024];
const [KEYS, TRIALS] = [10, 60];
const MEASURES = {
  top: ["largest weight", [0, 1], (row) => Math.max(...row)],
  entropy: ["entropy (nats)", [0, 2.5], entropy],
  // Σᵢⱼ |∂pᵢ/∂sⱼ| of a row: each weight moves by p(1 − p) with its own score, and all others together by as much.
  slope: ["answer to a change of the scores", [0, 2], (row) => 2 * row.reduce((sum, p) => sum + p * (1 - p), 0)],
};

export default function ({ root, settings, context }) {
  const state = { d: settings.d, measure: settings.measure, seed: settings.seed };
  const known = new Map();
  const controls = (draw) => [
    slider({ label: "d_k", values: SIZES, value: state.d, change: (d) => { state.d = d; draw(); } }),
    choices({ label: "shown", options: Object.entries(MEASURES).map(([name, [words]]) => [name, words]), value: state.measure, change: (measure) => { state.measure = measure; draw(); } }),
    another(state, draw),
  ];
  const compute = () => {
    if (!known.has(state.seed)) known.set(state.seed, SIZES.map((d) => measured(d, state.seed)));
    const all = known.get(state.seed);
    const [first, last, at] = [all[0], all[all.length - 1], all[SIZES.indexOf(state.d)]];
    const named = Object.keys(MEASURES).flatMap((name) => [[name, at.plain[name]], [`scaled_${name}`, at.scaled[name]]]);
    return { all, facts: { d: state.d, uniform: Math.log(KEYS), keys: KEYS, ...Object.fromEntries(named), first_top: first.plain.top, last_top: last.plain.top, last_scaled_top: last.scaled.top,
      trend: trendOf(first.plain.top, last.plain.top), scaled_trend: trendOf(first.scaled.top, last.scaled.top) } };
  };
  return panel({ root, context, controls, compute, paint: ({ all, facts }, palette, room) => ({ shapes: [drawing(all, state, palette, room)], words: wordsOf(facts) }) });
}

/** 0: it grows, 1: it shrinks, 2: it stays within a tenth. */
const trendOf = (first, last) => (Math.abs(last - first) < 0.1 ? 2 : last > first ? 0 : 1);

/** The means over many queries, each with keys of its own: {plain, scaled}, each {top, entropy, slope}. */
function measured(d, seed) {
  const { normal } = random(seed);
  const vector = () => Float64Array.from({ length: d }, normal);
  const sums = { plain: {}, scaled: {} };
  for (let trial = 0; trial < TRIALS; trial++) {
    const query = vector();
    const scores = Array.from({ length: KEYS }, () => dot(query, vector()));
    for (const [kind, by] of [["plain", 1], ["scaled", Math.sqrt(d)]]) {
      const row = softmax(scores.map((score) => score / by));
      for (const [name, [, , of]] of Object.entries(MEASURES)) sums[kind][name] = (sums[kind][name] ?? 0) + of(row) / TRIALS;
    }
  }
  return sums;
}

function drawing(all, { d, measure }, palette, room) {
  const [words, [from, to]] = MEASURES[measure];
  const points = (kind) => SIZES.map((size, i) => [size, all[i][kind][measure]]);
  const said = (kind) => points(kind).map(([size, value]) => `${ui.decimals(value, 2)} at ${size}`).join(", ");
  return chart({
    palette, width: Math.min(640, room), label: `${words}, without the scale: ${said("plain")}; with it: ${said("scaled")}.`,
    x: { label: "d_k", log: true, from: 3, to: 1400 }, y: { label: words, from, to }, marks: [{ x: d, label: `d_k = ${d}` }],
    lines: [{ name: "q·k", colour: palette.key, points: points("plain") }, { name: "q·k ÷ √d_k", colour: palette.query, points: points("scaled"), dash: 1 }],
  });
}

function wordsOf({ d, top, scaled_top, entropy: nats, scaled_entropy, slope, scaled_slope, uniform }) {
  const pair = (plain, scaled) => `${ui.decimals(plain, 2)} without the scale, ${ui.decimals(scaled, 2)} with it`;
  return `At d_k = ${d}, means over ${TRIALS} queries with ${KEYS} keys each. Largest weight: ${pair(top, scaled_top)}. Entropy: ${pair(nats, scaled_entropy)} (even weights: ${ui.decimals(uniform, 2)}). `
    + `Answer to a change of the scores: ${pair(slope, scaled_slope)}.`;
}
