/** What a score may be divided by: the spread that each choice leaves, measured on random queries and keys. */

const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { slider }, { another, panel }, { random }, { dot, largest }] = await Promise.all(
  ["../../headlight", "../../draw/chart", "../../draw/inputs", "../../draw/panel", "../../local/random", "../tiny"].map((name) => import(`${name}.js${version}`)));

const WIDTHS = [64, 128, 256, 512, 1024];
const HEADS = [1, 2, 4, 8, 16];
const PAIRS = 500;

export default function ({ root, settings, context }) {
  const state = { d: settings.d, heads: settings.heads, seed: settings.seed };
  const controls = (draw) => [
    slider({ label: "d_model", values: WIDTHS, value: state.d, change: (d) => { state.d = d; draw(); } }),
    slider({ label: "heads", values: HEADS, value: state.heads, change: (heads) => { state.heads = heads; draw(); } }),
    another(state, draw),
  ];
  return panel({ root, context, controls, compute: () => madeOf(state), paint });
}

function madeOf({ d, heads, seed }) {
  const width = d / heads;
  const { normal } = random(seed);
  const vector = () => Array.from({ length: width }, normal);
  const pairs = Array.from({ length: PAIRS }, () => [vector(), vector()]);
  const scores = pairs.map(([q, k]) => dot(q, k));
  const divisors = { nothing: 1, root: Math.sqrt(width), by_width: width, model_root: Math.sqrt(d) };
  const spread = spreadOf(scores);
  const stds = Object.fromEntries(Object.entries(divisors).map(([name, by]) => [name, spread / by]));
  const first = pairs.map(([q, k]) => dot(q.map((one) => one / divisors.root), k));
  const error = Math.max(...first.map((one, i) => Math.abs(one - scores[i] / divisors.root)));
  return { divisors, stds, facts: { d, heads, width, ...stds, closest: largest(Object.values(stds).map((std) => -Math.abs(Math.log(std)))), error } };
}

function spreadOf(values) {
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  return Math.sqrt(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (values.length - 1));
}

function paint({ divisors, stds, facts }, palette, room) {
  const names = { nothing: "÷ 1", root: "÷ √d_k", by_width: "÷ d_k", model_root: "÷ √d_model" };
  const bars = Object.keys(divisors).map((name) => ({ name: names[name], value: stds[name], colour: name === "root" ? palette.query : palette.muted,
    words: `${ui.number(stds[name], 3)}  (÷ ${ui.number(divisors[name], 4)})` }));
  return {
    shapes: [chart({ bars: bars.map((bar) => ({ ...bar, value: Math.min(bar.value, 4) })), palette, width: Math.min(620, room), y: { to: room < 480 ? 8 : 5 },
      label: `Standard deviation of scores: ${bars.map(({ name, words }) => `${name} ${words}`).join(", ")}.` })],
    words: `d_model = ${facts.d} and ${facts.heads} ${facts.heads === 1 ? "head" : "heads"}: d_k = ${facts.width}. Bars longer than 4 are cut. `
      + `Dividing the query first gives the same scores within ${ui.number(facts.error, 2)} ${facts.error < 1e-9 ? "✓" : "✗"}`,
  };
}
