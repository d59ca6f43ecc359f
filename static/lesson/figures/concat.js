/** Concat and W_O of one word: two heads' pieces change places, and the blocks of W_O that belong to them. */

const version = new URL(import.meta.url).search;
const [{ gapOf, lastWord, ROUNDING, stageOf, tokensFor }, { embedded, forward, project, shaped, weightsOf }, { grid }, { button, toggle }] = await Promise.all(
  ["../stage", "../../local/layer", "../../draw/grid", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

export default function ({ root, settings, context }) {
  const state = { seed: settings.seed, pieces: false, blocks: false, made: null };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const stage = stageOf({ root, ui: context.ui }, [
    toggle({ label: "swap heads 0 and 1 in concat", value: false, change: (pieces) => act({ pieces }) }),
    toggle({ label: "swap their rows of W_O", value: false, change: (blocks) => act({ blocks }) }),
    button("Another seed", () => act({ seed: state.seed + 1 })),
  ]);

  function draw() {
    state.made = madeOf(settings, state, context);
    const { concat, matrix, output, before, width, word } = state.made;
    const palette = context.palette();
    const cell = Math.min(34, (stage.width() - 80) / output.length);
    const order = state.pieces ? [1, 0] : [0, 1];
    const owners = [...concat].map((_, i) => ownerOf(Math.floor(i / width), order));
    const rows = [...concat].map((_, i) => ownerOf(Math.floor(i / width), state.blocks ? [1, 0] : [0, 1]));
    const digits = cell > 30 ? 1 : null;
    stage.show(
      grid({ values: [concat], palette, scale: "values", columns: owners.map((head) => `${head}`), cell, digits, title: `concat of “${word}”, by head`,
        label: `The concatenated heads of “${word}”: the pieces of heads ${[...new Set(owners)].join(", ")}, ${width} numbers each.` }),
      grid({ values: matrix, palette, scale: "scores", rows: rows.map((head) => `head ${head}`), cell, title: "× W_O, rows by head", digits,
        label: `W_O, ${matrix.shape[0]} by ${matrix.shape[1]}; its rows belong to heads ${[...new Set(rows)].join(", ")}.` }),
      grid({ values: [output], palette, scale: "values", cell, digits, title: "= output", label: `The output: ${[...output].map((one) => context.ui.decimals(one, 2)).join(", ")}.` }),
    );
    const { share } = gapOf(output, before);
    stage.says(`${order[0] ? "Swapped pieces" : "The pieces in order"}, ${state.blocks ? "swapped rows" : "rows in order"}: the output ${share < ROUNDING ? "is the first one" : "is another"}.`);
    stage.check(share < ROUNDING, `beside the output without swaps: largest difference ${context.ui.number(share, 2)} of the largest number`);
  }

  draw();
  return { facts: () => factsOf(settings, state, context), draw, stop: () => root.replaceChildren() };
}

const ownerOf = (block, order) => (block < 2 ? order[block] : block);

/** concat (1, h·d), W_O and their product, with what is swapped; `before` is the product without. */
function madeOf({ text, own, d_model, heads }, { seed, pieces, blocks }, context) {
  const layer = { d_model, n_heads: heads, causal: false, seed };
  const tokens = tokensFor({ text, own }, context);
  const weights = weightsOf(layer);
  const pass = forward(embedded(tokens, layer).x, weights, layer);
  const at = lastWord(tokens);
  const width = d_model / heads;
  const concat = shaped([1, d_model]);
  concat.set(pass.concat.subarray(at * d_model, (at + 1) * d_model));
  const row = pieces ? swapped(concat, width) : concat;
  const matrix = blocks ? swapped(weights.output, width * d_model) : weights.output;
  return { concat: row, matrix, output: project(row, matrix), before: pass.output.slice(at * d_model, (at + 1) * d_model), width, word: tokens[at].name };
}

/** The first two runs of `size` numbers change places. */
function swapped(numbers, size) {
  const made = Float32Array.from(numbers);
  made.shape = numbers.shape;
  made.set(numbers.subarray(size, 2 * size), 0);
  made.set(numbers.subarray(0, size), size);
  return made;
}

function factsOf(settings, state, context) {
  const gap = (pieces, blocks) => {
    const { output, before } = madeOf(settings, { ...state, pieces, blocks }, context);
    return gapOf(output, before).share;
  };
  const [one, both] = [gap(true, false), gap(true, true)];
  return { heads: settings.heads, one, both, same: both < ROUNDING ? 0 : 1, same_of_one: one < ROUNDING ? 0 : 1 };
}
