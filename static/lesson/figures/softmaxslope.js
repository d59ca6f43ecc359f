/** How much weights move when a score moves a little: ∂pᵢ/∂sⱼ, by the formula and by trying. */

const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { grid }, { slider }, { panel }, { farthest, largest, softmax }] = await Promise.all(
  ["../../headlight", "../../draw/chart", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../tiny"].map((name) => import(`${name}.js${version}`)));

const STEP = 1e-5;
const NAMES = ["a", "b", "c"];
const ASKED = [0.1, 0.5, 0.9];

export default function ({ root, settings, context }) {
  const state = { scores: [settings.score, 0, -1] };
  const controls = (draw) => NAMES.map((name, i) =>
    slider({ label: `score ${name}`, low: -8, high: 8, step: 0.1, digits: 1, value: state.scores[i], change: (score) => { state.scores[i] = score; draw(); } }));
  return panel({ root, context, controls, compute: () => madeOf(state.scores), paint });
}

function madeOf(scores) {
  const p = softmax(scores);
  const slopes = p.map((one, i) => p.map((other, j) => one * ((i === j ? 1 : 0) - other)));
  const tried = p.map((_, i) => p.map((__, j) => (softmax(moved(scores, j, STEP))[i] - softmax(moved(scores, j, -STEP))[i]) / (2 * STEP)));
  return { p, slopes, facts: { weight: p[0], own: slopes[0][0], cross: slopes[0][1], error: farthest(slopes, tried), steepest: largest(ASKED.map((one) => one * (1 - one))), most: 0.25,
    at_tenth: 0.1 * 0.9, at_half: 0.5 * 0.5, total: slopes.flat().reduce((sum, one) => sum + Math.abs(one), 0) } };
}

const moved = (scores, at, by) => scores.map((score, i) => (i === at ? score + by : score));

function paint({ p, slopes, facts }, palette, room) {
  const curve = Array.from({ length: 101 }, (_, i) => [i / 100, (i / 100) * (1 - i / 100)]);
  return {
    shapes: [
      grid({ values: slopes, rows: NAMES.map((name) => `weight ${name}`), columns: NAMES.map((name) => `of ${name}`), title: "change, per unit of a score", scale: "scores", low: -0.25, high: 0.25, digits: 3, cell: [62, 34], palette,
        label: `Slopes: ${slopes.map((row) => row.map((one) => ui.decimals(one, 3)).join(", ")).join("; ")}.` }),
      chart({ palette, width: Math.min(420, room), height: 230, label: "p(1 − p): 0 at p = 0 and 1, a quarter at a half.", x: { label: "weight p", from: 0, to: 1 }, y: { label: "slope", from: 0, to: 0.3 },
        marks: [{ x: p[0], label: `a: ${ui.decimals(p[0], 3)}` }], lines: [{ name: "p(1 − p)", colour: palette.query, points: curve }] }),
    ],
    words: `Weights ${p.map((one, i) => `${NAMES[i]} ${ui.decimals(one, 3)}`).join(", ")}. Moving score a by a small step moves weight a by ${ui.number(facts.own, 3)} of it. `
      + `Formula and trial agree within ${ui.number(facts.error, 2)} ${facts.error < 1e-6 ? "✓" : "✗"}`,
  };
}
