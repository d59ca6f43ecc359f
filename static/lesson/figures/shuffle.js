/** The words of a sentence are shuffled: the layer's output rows before and after, and how far each word's row has moved. */

const version = new URL(import.meta.url).search;
const [{ ROUNDING, stageOf, tokensFor }, { embedded, forward, weightsOf }, { random }, { grid }, { button, toggle }] = await Promise.all(
  ["../stage", "../../local/layer", "../../local/random", "../../draw/grid", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const SHOWN = 8;
const NAMES = 84;

export default function ({ root, settings, context }) {
  const state = { seed: settings.seed, causal: settings.causal, positions: settings.positions, isShuffled: true, made: null };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const stage = stageOf({ root, ui: context.ui }, [
    button("Shuffle again", () => act({ seed: state.seed + 1, isShuffled: true })),
    button("First order", () => act({ isShuffled: false })),
    toggle({ label: "positions", value: state.positions, change: (positions) => act({ positions }) }),
    toggle({ label: "causal mask", value: state.causal, change: (causal) => act({ causal }) }),
  ]);

  function draw() {
    state.made = shuffled(settings, state, context);
    const { names, order, before, after, moved, kept } = state.made;
    const palette = context.palette();
    const width = stage.width() >= 600 ? (stage.width() - 28) / 2 : stage.width();
    const cell = [Math.min(30, (width - NAMES) / SHOWN), 24];
    const drawn = (title, rows, own) => grid({ values: rows, palette, scale: "values", rows: own, cell, title, low: -state.made.most, high: state.made.most,
      label: `${title}: ${own.join(" ")}; the first ${SHOWN} numbers of each word's output row.` });
    stage.show(drawn("output, first order", before, names), drawn("output, as shuffled", after, order.map((from) => names[from])));
    stage.says(`${kept} of ${names.length} words have the row that they had before. The largest change of a word's own row is ${context.ui.number(Math.max(...moved), 2)} of the largest number.`);
    const holds = kept === names.length;
    stage.check(holds, holds ? "the rows are the old ones in the new order: f(shuffled x) = shuffled f(x)" : "the rows are not the old ones in the new order");
  }

  draw();
  return { facts: () => factsOf(settings, state, context), draw, stop: () => root.replaceChildren() };
}

/** {order: which old place each new one has, before and after: the first numbers of the output rows, moved: per word}. */
function shuffled({ text, own, d_model, heads }, { seed, causal, positions, isShuffled }, context) {
  const layer = { d_model, n_heads: heads, causal, positions, seed: 2017 };
  const tokens = tokensFor({ text, own }, context, 10);
  const order = isShuffled ? orderOf(tokens.length, seed) : tokens.map((_, i) => i);
  const weights = weightsOf(layer);
  const run = (list) => forward(embedded(list, layer).x, weights, layer).output;
  const [first, second] = [run(tokens), run(order.map((from) => tokens[from]))];
  const most = first.reduce((size, one) => Math.max(size, Math.abs(one)), 0);
  const row = (all, at) => all.subarray(at * d_model, (at + 1) * d_model);
  const moved = order.map((from, at) => row(second, at).reduce((size, one, i) => Math.max(size, Math.abs(one - row(first, from)[i])), 0) / most);
  const cut = (all) => tokens.map((_, at) => [...row(all, at).subarray(0, SHOWN)]);
  return { names: tokens.map(({ name }) => name), order, before: cut(first), after: cut(second), moved, most, kept: moved.filter((one) => one < ROUNDING).length, twice: twiceOf(tokens, first, most, row) };
}

/** Another order than the first, by a seed. */
function orderOf(n, seed) {
  const numbers = random(seed);
  const places = Array.from({ length: n }, (_, i) => i);
  for (let tries = 0; tries < 50; tries++) {
    const order = numbers.shuffle(places);
    if (order.some((from, at) => from !== at)) return order;
  }
  return places;
}

/** How far the rows of a word that stands twice are apart, or null. */
function twiceOf(tokens, output, most, row) {
  const names = tokens.map(({ text }) => text.toLowerCase());
  const again = names.findIndex((name, at) => names.indexOf(name) < at);
  if (again < 0) return null;
  const one = row(output, names.indexOf(names[again]));
  return row(output, again).reduce((size, value, i) => Math.max(size, Math.abs(value - one[i])), 0) / most;
}

function factsOf(settings, state, context) {
  const { moved, kept, names, twice } = state.isShuffled ? state.made : shuffled(settings, { ...state, isShuffled: true }, context);
  const n = names.length;
  return { n, kept, moved: Math.max(...moved), how: kept === n ? 0 : 1, twice: twice ?? -1, twins: twice === null ? 2 : twice < ROUNDING ? 0 : 1 };
}
