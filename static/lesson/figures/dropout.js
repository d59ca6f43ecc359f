/** One row of weights before and after dropout: in training it does not sum to 1, on average over many draws it does. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, choices }, { chart }, { random }, { beside, framed }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/chart", "../../local/random", "../common"].map((name) => import(`${name}.js${version}`)));

const DRAWS = 1000;
const RATES = [0, 0.1, 0.2, 0.5];

export default function ({ root, settings, context }) {
  const state = { p: settings.p, mode: "train", seed: settings.seed, n: settings.n, draw: 0 };
  const change = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const rates = RATES.includes(state.p) ? RATES : [...RATES, state.p].sort((one, other) => one - other);
  const { body, said } = framed(root,
    choices({ label: "mode", options: [["train", "train()"], ["eval", "eval()"]], value: state.mode, change: (mode) => change({ mode }) }),
    choices({ label: "dropout p", options: rates.map((p) => [p, String(p)]), value: state.p, change: (p) => change({ p }) }),
    button("another draw", () => change({ draw: state.draw + 1 })), button("another row", () => change({ seed: state.seed + 1, draw: 0 })));

  function draw() {
    const palette = context.palette();
    const made = madeOf(state);
    const [after, sum] = state.mode === "train" ? [made.after, made.sum] : [made.weights, sumOf(made.weights)];
    const most = Math.max(...made.weights, ...after);
    const bars = (values, dropped) => values.map((value, i) => ({ name: `key ${i}${dropped[i] ? ", dropped" : ""}`, value, colour: ui.css(ui.mix(palette.weights, 0.68)), words: ui.decimals(value, 3) }));
    const none = made.weights.map(() => false);
    const isTraining = state.mode === "train";
    const words = [`sums to ${ui.decimals(sumOf(made.weights), 4)}`, `sums to ${ui.decimals(sum, 4)}`];
    body.replaceChildren(beside(
      [chart({ label: `After the softmax the row ${words[0]}.`, palette, bars: bars(made.weights, none), y: { to: most }, width: 380 }), `after the softmax: ${words[0]}`],
      [chart({ label: `${isTraining ? "After dropout" : "In eval()"} the row ${words[1]}.`, palette, bars: bars(after, isTraining ? made.dropped : none), y: { to: most }, width: 380 }),
        `${isTraining ? `after dropout, kept ones × 1/(1 − ${state.p})` : "eval(): dropout does nothing"}: ${words[1]}`]));
    said.textContent = `${DRAWS.toLocaleString("en")} draws with p = ${state.p}: this row’s sum lies between ${ui.decimals(made.low, 3)} and ${ui.decimals(made.high, 3)}, on average ${ui.decimals(made.mean, 3)}.`;
  }

  draw();
  return {
    facts: () => {
      const { sum, low, high, mean } = madeOf(state);
      const isOne = (value) => Math.abs(value - 1) < 1e-9;
      return { sum, low, high, mean, p: state.p, varies: isOne(low) && isOne(high) ? 0 : high - low < 1e-9 ? 1 : 2 };
    },
    draw, stop: () => {},
  };
}

const sumOf = (list) => list.reduce((sum, one) => sum + one, 0);

/** A row of weights, one draw of dropout on it, and what many draws' sums are. */
function madeOf({ p, seed, n, draw }) {
  const rows = random(seed);
  const exponentials = Array.from({ length: n }, () => Math.exp(1.2 * rows.normal()));
  const weights = exponentials.map((one) => one / sumOf(exponentials));
  const draws = random(`draws ${seed}`);
  const all = Array.from({ length: DRAWS + draw }, () => weights.map(() => draws.uniform() < p));
  const kept = (dropped) => weights.map((weight, i) => (dropped[i] ? 0 : weight / (1 - p)));
  const sums = all.slice(0, DRAWS).map((dropped) => sumOf(kept(dropped)));
  const dropped = all.at(-1);
  return { weights, dropped, after: kept(dropped), sum: sumOf(kept(dropped)), low: Math.min(...sums), high: Math.max(...sums), mean: sumOf(sums) / DRAWS };
}
