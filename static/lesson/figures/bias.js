/** A bias of one size added to the query, the key or the value: what it does to the weights, and to what comes out. */

const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { choices, slider }, { another, blanks, namesOf, panel, sentenceOf }, { random }, { farthest, headOf, largest, tinyOf }] = await Promise.all(
  ["../../headlight", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../../local/random", "../tiny"].map((name) => import(`${name}.js${version}`)));

const SIDES = ["query", "key", "value"];
const CELL = [44, 30];
// Sums in another order differ by about this much.
const SAME = 1e-12;

export default function ({ root, settings, context }) {
  const state = { which: settings.which, size: settings.size, seed: settings.seed };
  const controls = (draw) => [
    choices({ label: "bias on", options: SIDES.map((side) => [side, `the ${side}`]), value: state.which, change: (which) => { state.which = which; draw(); } }),
    slider({ label: "its size", low: 0, high: 4, step: 0.1, digits: 1, value: state.size, change: (size) => { state.size = size; draw(); } }),
    another(state, draw),
  ];
  const compute = () => {
    const tokens = sentenceOf(settings, context, 7);
    const tiny = tinyOf(tokens, { d: settings.d, seed: state.seed });
    const { normal } = random(state.seed);
    const direction = Array.from({ length: settings.d }, normal);
    const plain = headOf(tiny);
    const runs = Object.fromEntries(SIDES.map((side) => [side, headOf(tiny, { biases: { [side]: direction.map((one) => one * state.size) } })]));
    return { names: namesOf(tokens), plain, runs, facts: factsOf(plain, runs, state) };
  };
  return panel({ root, context, controls, compute, paint: (made, palette) => ({ shapes: drawings(made, state, palette), words: wordsOf(made.facts, state) }) });
}

const differences = (after, before) => after.map((row, i) => row.map((one, j) => one - before[i][j]));
/** What is rounding is drawn as 0; the sentence below says how much it is. */
const drawn = (rows) => rows.map((row) => row.map((one) => (Math.abs(one) < SAME ? 0 : one)));

function factsOf(plain, runs, { which }) {
  const weights = SIDES.map((side) => farthest(runs[side].weights, plain.weights));
  const outputs = SIDES.map((side) => farthest(runs[side].output, plain.output));
  const shift = differences(runs.value.output, plain.output);
  return { query_change: weights[0], key_change: weights[1], value_change: weights[2], query_out: outputs[0], key_out: outputs[1], value_out: outputs[2],
    value_spread: farthest(shift, shift.map(() => shift[0])), moves: largest(weights), change: weights[SIDES.indexOf(which)] };
}

function drawings({ names, plain, runs }, { which, size }, palette) {
  const run = runs[which];
  const [weights, output] = [drawn(differences(run.weights, plain.weights)), drawn(differences(run.output, plain.output))];
  return [
    grid({ values: run.weights, rows: names, columns: names, title: `weights with the ${which} bias`, digits: 2, cell: CELL, palette, label: `Weights with a bias of size ${size} on the ${which}.` }),
    grid({ values: weights, columns: names, title: "change of the weights", scale: "scores", low: -1, high: 1, digits: 2, cell: CELL, palette,
      label: `Change of the weights: up to ${ui.number(farthest(run.weights, plain.weights), 3)}.` }),
    grid({ values: output, columns: blanks(names, output[0].length), title: "change of what comes out", scale: "values", low: -4, high: 4, digits: 2, cell: CELL, palette,
      label: `Change of the output: up to ${ui.number(farthest(run.output, plain.output), 3)}.` }),
  ];
}

function wordsOf(facts, { which, size }) {
  const change = facts[`${which}_change`];
  const same = change < SAME ? `change by at most ${ui.number(change, 2)}: rounding` : `change by up to ${ui.number(change, 3)}`;
  const rows = which === "value" ? ` Every row of the output gets the same vector, equal within ${ui.number(facts.value_spread, 2)}.` : "";
  return `A ${which} bias of size ${ui.decimals(size, 1)}: the weights ${same}; the output changes by up to ${ui.number(facts[`${which}_out`], 3)}.${rows}`;
}
