/** One coordinate of every word's vector is set to 0: how far each head's result moves, as heads read x, or as if by slices. */

const version = new URL(import.meta.url).search;
const [{ stageOf, tokensFor }, { embedded, forward, weightsOf }, { chart }, { button, choices, slider }] = await Promise.all(
  ["../stage", "../../local/layer", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

// Less than this, beside a head's own size, is rounding.
const MOVED = 1e-6;

export default function ({ root, settings, context }) {
  const state = { coordinate: settings.coordinate, reads: settings.reads, seed: settings.seed, moves: [] };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const last = settings.d_model - 1;
  const stage = stageOf({ root, ui: context.ui }, [
    slider({ label: "coordinate set to 0", low: 0, high: last, step: 1, value: Math.min(last, state.coordinate), digits: 0, change: (coordinate) => act({ coordinate }) }),
    button("Another seed", () => act({ seed: state.seed + 1 })),
  ], [
    choices({ label: "each head reads", options: [["all", "all of x"], ["slice", "only a slice of x"]], value: state.reads, change: (reads) => act({ reads }) }),
  ]);

  function draw() {
    const tokens = tokensFor(settings, context);
    state.moves = movesOf(settings, state, tokens);
    const { moves } = state;
    const palette = context.palette();
    const moved = moves.filter((move) => move > MOVED).length;
    const words = moves.map((move) => `${(100 * move).toFixed(1)} %`);
    stage.show(chart({
      palette, width: stage.width(520), y: { to: Math.max(0.1, ...moves) },
      bars: moves.map((value, head) => ({ name: `head ${head}`, value, words: words[head], colour: palette.value })),
      label: `How far each head moves: ${words.map((word, head) => `head ${head} ${word}`).join(", ")}.`,
    }));
    stage.says(`“${tokens.map(({ text }) => text).join(" ")}” without coordinate ${state.coordinate}: ${moved} of ${moves.length} heads move (by this share of their own size).`
      + (state.reads === "slice" ? " This is not how a layer works: here each W has been emptied outside its head's slice." : ""));
  }

  draw();
  return { facts: () => factsOf(state), draw, stop: () => root.replaceChildren() };
}

/** How far each head's result moves, as a share of its size, when one coordinate of x is 0. */
function movesOf({ d_model, heads }, { coordinate, reads, seed }, tokens) {
  const layer = { d_model, n_heads: heads, causal: false, positions: true, seed };
  const weights = reads === "slice" ? sliced(weightsOf(layer), heads) : weightsOf(layer);
  const { x } = embedded(tokens, layer);
  const before = forward(x, weights, layer).heads;
  const after = forward(without(x, coordinate), weights, layer).heads;
  const size = before.length / heads;
  return Array.from({ length: heads }, (_, head) => {
    const [one, other] = [before, after].map((all) => all.subarray(head * size, (head + 1) * size));
    return Math.sqrt(squares(one.map((value, i) => value - other[i])) / (squares(one) || 1));
  });
}

const squares = (numbers) => numbers.reduce((sum, one) => sum + one * one, 0);

function without(x, coordinate) {
  const made = Float32Array.from(x);
  made.shape = x.shape;
  for (let i = coordinate; i < made.length; i += x.shape[1]) made[i] = 0;
  return made;
}

/** The weights of a layer whose heads were each given d_model / h coordinates of x: all others count nothing. */
function sliced(weights, heads) {
  return Object.fromEntries(Object.entries(weights).map(([name, matrix]) => [name, name === "output" ? matrix : emptied(matrix, heads)]));
}

function emptied(matrix, heads) {
  const [rows, columns] = matrix.shape;
  const made = matrix.map((one, i) => (Math.floor((Math.floor(i / columns) * heads) / rows) === Math.floor(((i % columns) * heads) / columns) ? one : 0));
  made.shape = matrix.shape;
  return made;
}

function factsOf({ moves, coordinate }) {
  const moved = moves.filter((move) => move > MOVED).length;
  return { heads: moves.length, moved, how: moved === 0 ? 0 : moved === 1 ? 1 : moved === moves.length ? 2 : 3, coordinate, least: Math.min(...moves) };
}
