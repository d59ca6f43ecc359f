/** One key that is ahead of all others by a fixed gap, among more and more of them. */

const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { slider }, { panel }] = await Promise.all(
  ["../../headlight", "../../draw/chart", "../../draw/inputs", "../../draw/panel"].map((name) => import(`${name}.js${version}`)));

const LENGTHS = [2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

/** What the one key weighs among n. */
const weightAt = (gap, n) => Math.exp(gap) / (Math.exp(gap) + n - 1);

export default function ({ root, settings, context }) {
  const state = { gap: settings.gap, n: settings.n };
  const controls = (draw) => [
    slider({ label: "tokens n", values: LENGTHS, value: state.n, change: (n) => { state.n = n; draw(); } }),
    slider({ label: "ahead by", low: 0, high: 12, step: 0.1, digits: 1, value: state.gap, change: (gap) => { state.gap = gap; draw(); } }),
  ];
  const compute = () => {
    const { gap, n } = state;
    return { facts: { gap, n, weight: weightAt(gap, n), others: 1 - weightAt(gap, n), at_ten: weightAt(gap, 10), at_hundred: weightAt(gap, 100), at_thousand: weightAt(gap, 1000), at_ten_thousand: weightAt(gap, 10_000),
      half: Math.exp(gap) + 1, needed: Math.log(n - 1) } };
  };
  const paint = ({ facts }, palette, room) => ({
    shapes: [chart({
      palette, width: Math.min(640, room), label: `Weight of a key that is ahead by ${ui.decimals(facts.gap, 1)}: ${ui.number(facts.at_ten, 3)} of 10 tokens, ${ui.number(facts.at_hundred, 3)} of 100, ${ui.number(facts.at_thousand, 3)} of 1,000.`,
      x: { label: "tokens n", log: true, from: 2, to: 100_000 }, y: { label: "weight", from: 0, to: 1 }, marks: [{ x: facts.n, label: `n = ${facts.n.toLocaleString("en")}` }],
      lines: [{ name: "the one key", colour: palette.key, points: LENGTHS.map((n) => [n, weightAt(facts.gap, n)]) },
        { name: "all others", colour: palette.muted, dash: 1, points: LENGTHS.map((n) => [n, 1 - weightAt(facts.gap, n)]) }],
    })],
    words: `Ahead by ${ui.decimals(facts.gap, 1)} among ${facts.n.toLocaleString("en")} tokens: exp(${ui.decimals(facts.gap, 1)}) ÷ (exp(${ui.decimals(facts.gap, 1)}) + ${(facts.n - 1).toLocaleString("en")}) = ${ui.number(facts.weight, 3)}. `
      + `To hold half of this row it would have to be ahead by ln ${(facts.n - 1).toLocaleString("en")} = ${ui.number(facts.needed, 3)}.`,
  });
  return panel({ root, context, controls, compute, paint });
}
