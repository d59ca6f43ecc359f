/** A softmax's derivative by its formula and by two evaluations close together, and how far they differ by the step. */

const version = new URL(import.meta.url).search;
const [{ button, slider }, { chart }, { grid }, { random }, { apart, beside, framed, roomIn, tenTo, tiny, verdict }] = await Promise.all(
  ["../../draw/inputs", "../../draw/chart", "../../draw/grid", "../../local/random", "../common"].map((name) => import(`${name}.js${version}`)));

const POWERS = Array.from({ length: 14 }, (_, i) => -(i + 1));
const ALLOWED = 1e-6;
const PRECISIONS = [["float64", (value) => value], ["float32", Math.fround]];

export default function ({ root, settings, context }) {
  const state = { n: settings.n, seed: settings.seed, power: -6 };
  const change = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const { body, said } = framed(root, slider({ label: "step: 10 to the power", values: POWERS, value: state.power, change: (power) => change({ power }) }),
    button("other scores", () => change({ seed: state.seed + 1 })));

  function draw() {
    const palette = context.palette();
    const scores = scoresOf(state);
    const [exact, measured] = [byFormula(scores), byStep(scores, 10 ** state.power)];
    const size = Math.max(...exact.map(Math.abs));
    const names = scores.map((_, i) => `${i}`);
    const shown = (values, title, label) => grid({ values: matrix(values, state.n), label, palette, scale: "scores", low: -size, high: size, cell: [56, 28], digits: 3, rows: names.map((name) => `p${name}`), columns: names.map((name) => `s${name}`), title });
    const errors = PRECISIONS.map(([name, round], at) => ({ name, dash: at, dots: true, colour: [palette.value, palette.query][at], points: POWERS.map((power) => [10 ** power, errorAt(scores, power, round)]) }));
    const error = apart(exact, measured);
    body.replaceChildren(
      beside([shown(exact, "by the formula", "The derivatives by the formula"), "∂pᵢ/∂sⱼ = pᵢ(δᵢⱼ − pⱼ)"], [shown(measured, "by two softmaxes", "The derivatives by a small step"), "(p(s + ε) − p(s − ε)) / 2ε"]),
      verdict(error <= ALLOWED, `largest difference ${tiny(error)}, allowed ${tiny(ALLOWED)}`),
      chart({ label: `The difference by the step: smallest in float64 at ${tenTo(bestOf(scores))}, and larger again for smaller steps.`, palette, lines: errors, width: roomIn(body),
        x: { label: "step ε", log: true }, y: { label: "difference", log: true, from: 1e-13, to: 10 }, marks: [{ x: 10 ** state.power, label: "your step" }] }));
    said.textContent = `With a step of ${tenTo(state.power)} the slope in float64 misses the formula by ${tiny(error)}, in float32 by ${tiny(errorAt(scores, state.power, Math.fround))}.`;
  }

  draw();
  return {
    facts: () => {
      const scores = scoresOf(state);
      const best = bestOf(scores);
      return { best: tenTo(best), turns: best === POWERS.at(-1) ? 0 : best === POWERS[0] ? 1 : 2, error: tiny(errorAt(scores, state.power)), in32: tiny(errorAt(scores, state.power, Math.fround)) };
    },
    draw, stop: () => {},
  };
}

const same = (value) => value;
const scoresOf = ({ n, seed }) => {
  const numbers = random(seed);
  return Array.from({ length: n }, () => numbers.normal());
};

function softmax(scores, round = same) {
  const exponentials = scores.map((score) => round(Math.exp(score)));
  const total = exponentials.reduce((sum, one) => round(sum + one), 0);
  return exponentials.map((one) => round(one / total));
}

/** All ∂pᵢ/∂sⱼ, row by row. */
function byFormula(scores) {
  const p = softmax(scores);
  return p.flatMap((one, i) => p.map((other, j) => one * ((i === j ? 1 : 0) - other)));
}

/** The same from two softmaxes, ε above and below; each number rounded as a machine of that precision does. */
function byStep(scores, step, round = same) {
  const moved = (j, by) => softmax(scores.map((score, i) => round(i === j ? score + by : score)), round);
  const columns = scores.map((_, j) => [moved(j, step), moved(j, -step)]);
  return scores.flatMap((_, i) => columns.map(([up, down]) => (up[i] - down[i]) / (2 * step)));
}

const errorAt = (scores, power, round = same) => apart(byFormula(scores), byStep(scores, 10 ** power, round));

/** The power of ten at which the step misses least in float64. */
function bestOf(scores) {
  return POWERS.reduce((best, power) => (errorAt(scores, power) < errorAt(scores, best) ? power : best));
}

const matrix = (values, n) => Array.from({ length: n }, (_, row) => values.slice(row * n, (row + 1) * n));
