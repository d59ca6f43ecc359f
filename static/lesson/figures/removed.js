/** A token's weight in one head beside what its removal changes in the layer's output: two orders that need not agree. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, choices }, { chart }, { forward }, { beside, few, framed, layerOn, lengthOf, wordsFor }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/chart", "../../local/layer", "../common"].map((name) => import(`${name}.js${version}`)));

const [WIDTH, HEADS, MOST, LAYERS] = [16, 4, 10, 60];

export default function ({ root, settings, context }) {
  const state = { head: 0, seed: settings.seed, made: null, key: "" };
  const change = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const { body, said } = framed(root, choices({ label: "head", options: [...Array(HEADS).keys()].map((head) => [head, String(head)]), value: 0, change: (head) => change({ head }) }),
    button("another layer", () => change({ seed: state.seed + 1 })));
  const words = () => wordsFor(context, settings.text, MOST);

  function draw() {
    const palette = context.palette();
    const tokens = words();
    state.made = madeOf(tokens, state.seed, state.head);
    const { names, weights, effects, top } = state.made;
    const bars = (values, colour, digits) => names.map((name, i) => ({ name, value: values[i], colour, words: ui.decimals(values[i], digits) }));
    body.replaceChildren(beside(
      [chart({ label: `Weights of “${names.at(-1)}” in head ${state.head}: most on ${names[top.weight]}, ${few(weights[top.weight])}.`, palette, width: 380, bars: bars(weights, ui.css(ui.mix(palette.weights, 0.68)), 3) }), `weights of “${names.at(-1)}” in head ${state.head}`],
      [chart({ label: `Change of its output when a token is removed: most for ${names[top.effect]}, ${few(effects[top.effect])}.`, palette, width: 380, bars: bars(effects, palette.value, 3) }), "‖change of its output‖ / ‖output‖ when the token cannot be seen"]),
      ui.make("p", {}, `Largest weight: “${names[top.weight]}”, largest change: “${names[top.effect]}”: ${top.weight === top.effect ? "the same token" : "another token"}.`));
    said.textContent = `In ${state.made.agreeing} of ${LAYERS} layers made from other seeds, the largest weight of head ${state.head} and the largest change belong to the same token.`;
  }

  draw();
  return {
    facts: () => {
      const { names, top, weights, agreeing } = state.made;
      return { weight_top: names[top.weight], top_weight: weights[top.weight], effect_top: names[top.effect], agree: top.weight === top.effect ? 0 : 1, agreeing, layers: LAYERS,
        often: agreeing > 0.9 * LAYERS ? 0 : agreeing > 0.1 * LAYERS ? 1 : 2 };
    },
    draw, stop: () => {},
  };
}

const kept = new Map();

/** {names, weights, effects, top, agreeing} of the last token's row; the count over other layers is kept, as it takes the longest. */
function madeOf(tokens, seed, head) {
  const names = tokens.map(({ name }) => name);
  const asked = `${head} ${names.join(" ")}`;
  if (!kept.has(asked)) kept.set(asked, countOf(tokens, head));
  return { names, ...measured(tokens, seed, head), agreeing: kept.get(asked) };
}

function countOf(tokens, head) {
  return Array.from({ length: LAYERS }, (_, seed) => measured(tokens, seed + 1, head).top).filter(({ weight, effect }) => weight === effect).length;
}

function measured(tokens, seed, head) {
  const last = tokens.length - 1;
  const { settings, weights: matrices, x, pass } = layerOn(tokens, { d_model: WIDTH, n_heads: HEADS, seed });
  const row = (made) => made.output.subarray(last * WIDTH, (last + 1) * WIDTH);
  const whole = row(pass);
  const effects = tokens.map((_, gone) => {
    const without = row(forward(x, matrices, settings, { mask: (i, j) => j <= i && j !== gone }));
    return lengthOf(whole.map((value, i) => value - without[i])) / lengthOf(whole);
  });
  const weights = [...pass.weights.subarray((head * tokens.length + last) * tokens.length, (head * tokens.length + last + 1) * tokens.length)];
  return { weights, effects, top: { weight: largest(weights), effect: largest(effects) } };
}

const largest = (list) => list.reduce((best, value, i) => (value > list[best] ? i : best), 0);
