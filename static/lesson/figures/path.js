/** How far one token's trace gets in a recurrent network, step by step, and in one step of attention. */

const version = new URL(import.meta.url).search;
const [{ ui }, { slider }, { another, panel }, { frame, svg, text }, { random }, { headOf, lengthOf, times }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/panel", "../../draw/svg", "../../local/random", "../tiny"].map((name) => import(`${name}.js${version}`)));

const D = 12;
const [WIDTH, LEFT, HEIGHT] = [680, 96, 250];
const [CHAIN, ONE] = [78, 178];
const [RADIUS, CLOSE] = [15, 30];

export default function ({ root, settings, context }) {
  const state = { n: settings.n, step: settings.step, seed: settings.seed };
  const steps = slider({ label: "steps done", low: 0, high: state.n, step: 1, value: state.step, digits: 0, change: (step) => { state.step = step; redraw(); } });
  let redraw = null;
  const controls = (draw) => {
    redraw = draw;
    const length = slider({ label: "tokens", low: 3, high: 16, step: 1, value: state.n, digits: 0, change: (n) => {
      Object.assign(state, { n, step: Math.min(state.step, n) });
      steps.querySelector("input").max = String(n);
      steps.set(state.step);
      draw();
    } });
    return [length, steps, another(state, draw)];
  };
  const compute = () => {
    const traces = tracesOf(state);
    return { ...traces, facts: { n: state.n, path_rnn: state.n - 1, path_attention: 1, steps_rnn: state.n, steps_attention: 1, step: state.step,
      left: traces.chain[state.n - 1], left_attention: traces.one[state.n - 1] } };
  };
  return panel({ root, context, controls, compute, paint: (made, palette, room) => ({ shapes: [drawing(state, made, palette, Math.min(WIDTH, room))], words: wordsOf(state, made.facts) }) });
}

/**
 * How much changes at each place when the first token's vector is exchanged for another, as a share of what changes at the
 * first place itself: {chain: of a recurrent network hₜ = tanh(U·hₜ₋₁ + W·xₜ), one: of one head of self-attention}.
 */
function tracesOf({ n, seed }) {
  const { normal } = random(seed);
  const table = (rows, columns, size) => Array.from({ length: rows }, () => Array.from({ length: columns }, () => normal() * size));
  const [U, W] = [table(D, D, 1 / Math.sqrt(D)), table(D, D, 1 / Math.sqrt(D))];
  const [query, key, value] = [0, 0, 0].map(() => table(D, D, 1 / Math.sqrt(D)));
  const other = table(1, D, 1)[0];
  const before = table(n, D, 1);
  const after = [other, ...before.slice(1)];
  const [chain, one] = [(x) => statesOf(x, U, W), (x) => headOf({ x, query, key, value }).output]
    .map((run) => sharesOf(run(before), run(after)));
  return { chain, one };
}

function statesOf(x, U, W) {
  const states = [];
  let last = Array(D).fill(0);
  for (const row of times(x, W)) {
    last = times([last], U)[0].map((one, i) => Math.tanh(one + row[i]));
    states.push(last);
  }
  return states;
}

function sharesOf(before, after) {
  const changes = before.map((row, i) => lengthOf(row.map((one, at) => one - after[i][at])));
  return changes.map((change) => change / changes[0]);
}

function drawing({ n, step }, { chain, one }, palette, width) {
  const left = width < WIDTH ? RADIUS : LEFT;
  const gap = (width - left - 2 * RADIUS) / (n - 1);
  const radius = Math.min(RADIUS, gap / 2 - 2);
  // Where places stand close, every second one has its number, and the last.
  const every = gap < CLOSE ? 2 : 1;
  const x = (i) => left + i * gap;
  const nodes = (shares, y, isDone) => shares.flatMap((share, i) => node({ cx: x(i), cy: y, radius, isNumbered: (n - 1 - i) % every === 0 }, isDone(i) ? share : null, palette));
  const label = `A recurrent network after ${step} of ${n} steps has reached place ${Math.max(0, step - 1)}; attention reaches every place in its first step.`;
  const names = [[CHAIN, "recurrent"], [ONE, "attention"]].map(([y, name]) => text(0, width < WIDTH ? y - 44 : y + 5, name, { fill: palette.ink, weight: 600 }));
  const places = Array.from({ length: n }, (_, i) => text(x(i), HEIGHT - 8, String(i), { fill: palette.muted, anchor: "middle", size: 12 }));
  const links = Array.from({ length: n - 1 }, (_, i) => svg("line", { x1: x(i) + radius, x2: x(i + 1) - radius, y1: CHAIN, y2: CHAIN,
    stroke: i + 1 < step ? palette.ink : palette.line, "stroke-width": 2 }));
  const arcs = step < 1 ? [] : Array.from({ length: n - 1 }, (_, i) => svg("path", { d: `M${x(0)} ${ONE + radius}Q${(x(0) + x(i + 1)) / 2} ${ONE + 22 + 2 * (i + 1)} ${x(i + 1)} ${ONE + radius}`,
    fill: "none", stroke: palette.muted, "stroke-width": 1 }));
  return frame(width, HEIGHT, label, ...names, ...links, ...arcs,
    ...nodes(chain, CHAIN, (i) => i < step), ...nodes(one, ONE, () => step > 0), ...places,
    width < WIDTH ? null : text(0, HEIGHT - 8, "place", { fill: palette.muted, size: 12 }));
}

/** A place: empty until it is computed, then in the colour of the share that reached it, with the number above. */
function node({ cx, cy, radius, isNumbered }, share, palette) {
  const circle = svg("circle", { cx, cy, r: radius, fill: share === null ? "none" : ui.css(ui.mix(palette.weights, Math.min(1, share))), stroke: palette.muted,
    "stroke-dasharray": share === null ? "3 3" : null });
  return share === null || !isNumbered ? [circle] : [circle, text(cx, cy - radius - 6, ui.decimals(share, 2), { fill: palette.ink, anchor: "middle", size: 11 })];
}

function wordsOf({ n, step }, { left, left_attention }) {
  if (step < 1) return "Nothing is computed yet. The number above a place will say how much of a change of token 0 arrives there, next to 1 at place 0.";
  const reached = `After ${step} of its ${n} steps the recurrent network has come to place ${step - 1}; attention was done with all ${n} places after the first.`;
  return step < n ? reached : `${reached} At place ${n - 1} the change of token 0 arrives as ${ui.number(left, 3)} of its size by the chain, and as ${ui.number(left_attention, 3)} by attention.`;
}
