/** What each head adds to one word's output, coordinate by coordinate, beside what the layer puts out. */

const version = new URL(import.meta.url).search;
const [{ gapOf, lastWord, ROUNDING, stageOf, tokensFor }, { embedded, forward, weightsOf }, { chart }, { grid }, { button, choices, slider, toggle }] = await Promise.all(
  ["../stage", "../../local/layer", "../../draw/chart", "../../draw/grid", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const NAMES = 66;

export default function ({ root, settings, context }) {
  const state = { seed: settings.seed, coordinate: settings.coordinate, mixes: settings.mixes, counted: Array(settings.heads).fill(true), made: null };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const counts = state.counted.map((_, head) => toggle({ label: `count head ${head}`, value: true, change: (on) => act({ counted: state.counted.with(head, on) }) }));
  const stage = stageOf({ root, ui: context.ui }, [
    slider({ label: "coordinate", low: 0, high: settings.d_model - 1, step: 1, value: state.coordinate, digits: 0, change: (coordinate) => act({ coordinate }) }),
  ], [
    choices({ label: "W_O", options: [[true, "as drawn"], [false, "the identity"]], value: state.mixes, change: (mixes) => act({ mixes }) }),
    button("Another seed", () => act({ seed: state.seed + 1 })),
  ], counts);

  function draw() {
    state.made = addendsOf(settings, state, context);
    stage.show(...drawings(stage, state, context));
    const { sum, output, word } = state.made;
    const at = state.coordinate;
    stage.says(`“${word}”, coordinate ${at}: the counted heads add up to ${context.ui.decimals(sum[at], 4)}, the layer's output is ${context.ui.decimals(output[at], 4)}, the remainder ${context.ui.number(output[at] - sum[at], 2)}.`);
    const { share } = gapOf(sum, output);
    stage.check(share < ROUNDING, `all ${output.length} coordinates: the sum of the heads ${share < ROUNDING ? "is" : "is not"} the output; the largest remainder is ${context.ui.number(share, 2)} of the largest number`);
  }

  draw();
  return { facts: () => factsOf(state), draw, stop: () => root.replaceChildren() };
}

/** The grid of all coordinates, and the bars of one. */
function drawings(stage, { made: { brings, sum, output, word }, coordinate, counted }, context) {
  const palette = context.palette();
  const heads = brings.map((_, head) => `head ${head}`);
  const width = stage.width();
  const cell = (width - NAMES) / output.length;
  const all = grid({
    values: [...brings, sum, output], palette, scale: "values", rows: [...heads, "sum", "output"], columns: output.length <= 16 ? [...output].map((_, i) => `${i}`) : null,
    cell: [cell, 26], outline: { column: coordinate }, masked: (row) => row < counted.length && !counted[row],
    label: `What each head adds to the output of “${word}”: ${heads.length} rows of ${output.length} numbers, their sum, and the layer's output.`,
  });
  const bars = [
    ...brings.map((row, head) => ({ name: heads[head], value: counted[head] ? row[coordinate] : 0, colour: palette.value })),
    { name: "sum", value: sum[coordinate], colour: palette.ink }, { name: "output", value: output[coordinate], colour: palette.muted },
  ];
  const said = bars.map(({ name, value }) => `${name} ${context.ui.decimals(value, 3)}`).join(", ");
  return [all, chart({ palette, bars, width: Math.min(width, 460), label: `Coordinate ${coordinate}: ${said}.` })];
}

/** Concat's piece of each head times its block of rows of W_O, for the last word: rows of d_model numbers. */
function addendsOf({ text, own, d_model, heads }, { seed, mixes, counted }, context) {
  const layer = { d_model, n_heads: heads, causal: false, seed };
  const tokens = tokensFor({ text, own }, context);
  const weights = weightsOf(layer);
  if (!mixes) weights.output.fill(0).forEach((_, i) => { weights.output[i] = i % (d_model + 1) === 0 ? 1 : 0; });
  const pass = forward(embedded(tokens, layer).x, weights, layer);
  const at = lastWord(tokens);
  const [concat, output] = [pass.concat, pass.output].map((one) => one.subarray(at * d_model, (at + 1) * d_model));
  const width = d_model / heads;
  const brings = Array.from({ length: heads }, (_, head) => Float64Array.from({ length: d_model }, (__, column) => {
    let sum = 0;
    for (let i = head * width; i < (head + 1) * width; i++) sum += concat[i] * weights.output[i * d_model + column];
    return sum;
  }));
  const sum = Float64Array.from({ length: d_model }, (_, i) => brings.reduce((total, row, head) => total + (counted[head] ? row[i] : 0), 0));
  return { brings, sum, output, word: tokens[at].name };
}

function factsOf({ made: { brings, sum, output }, coordinate }) {
  const from = brings.filter((row) => row[coordinate] !== 0).length;
  const { share } = gapOf(sum, output);
  return { heads: brings.length, from, remainder: share, sum: sum[coordinate], output: output[coordinate], equal: share < ROUNDING ? 0 : 1 };
}
