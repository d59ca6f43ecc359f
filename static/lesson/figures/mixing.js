/** What a row of a deeper layer is made of: each word is changed in turn, and the rows that change with it are marked. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, slider, toggle }, { grid }, { embedded, forward, weightsOf }, { framed, lengthOf, wordsFor }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/grid", "../../local/layer", "../common"].map((name) => import(`${name}.js${version}`)));

const [WIDTH, HEADS, MOST, DEEPEST] = [16, 2, 8, 6];
const OTHER = "something else";
const SEEN = 1e-4;

export default function ({ root, settings, context }) {
  const state = { layers: settings.layers, causal: settings.causal, seed: settings.seed, made: null };
  const change = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const { body, said } = framed(root, slider({ label: "layers", low: 0, high: DEEPEST, step: 1, value: state.layers, change: (layers) => change({ layers }) }),
    toggle({ label: "causal", value: state.causal, change: (causal) => change({ causal }) }), button("other weights", () => change({ seed: state.seed + 1 })));

  function draw() {
    const palette = context.palette();
    const tokens = wordsFor(context, settings.text, MOST);
    state.made = madeOf(tokens, state);
    const { names, changes, own, reached } = state.made;
    body.replaceChildren(grid({
      values: changes, palette, rows: names, columns: names, cell: 40, digits: 2, low: 0, high: Math.max(...changes.flat()),
      label: `How far each row moves when a word is changed, after ${state.layers} layers: the first word moves ${reached} of ${names.length} rows.`,
      title: `row after ${state.layers} ${state.layers === 1 ? "layer" : "layers"}, by the word that was changed`,
    }));
    said.textContent = `Changing “${names[0]}” moves ${reached} of ${names.length} rows. Of all that moves the last row, “${names.at(-1)}”, its own word makes ${ui.number(100 * own, 2)} %.`;
  }

  draw();
  return {
    facts: () => ({ n: state.made.names.length, reached: state.made.reached, layers: state.layers, own: `${ui.number(100 * state.made.own, 2)} %`, first: state.made.names[0], last: state.made.names.at(-1) }),
    draw, stop: () => {},
  };
}

/** {names, changes (rows × words changed), reached by the first word, the last row's own share}. */
function madeOf(tokens, { layers, causal, seed }) {
  const texts = tokens.map(({ text }) => text);
  const stack = Array.from({ length: layers }, (_, layer) => {
    const settings = { d_model: WIDTH, n_heads: HEADS, causal, seed: seed * DEEPEST + layer };
    return { settings, weights: weightsOf(settings) };
  });
  const whole = after(stack, texts);
  const columns = texts.map((_, at) => {
    const moved = after(stack, texts.with(at, OTHER));
    return texts.map((__, row) => lengthOf(moved[row].map((value, i) => value - whole[row][i])) / lengthOf(whole[row]));
  });
  const changes = texts.map((_, row) => columns.map((column) => column[row]));
  const last = changes.at(-1);
  return {
    names: tokens.map(({ name }) => name), changes, reached: changes.filter((line) => line[0] > SEEN).length,
    own: last.at(-1) / last.reduce((sum, one) => sum + one, 0),
  };
}

/** The rows after the stack: each layer reads the rows with length √width, and is added to them. */
function after(stack, texts) {
  const { x } = embedded(texts, { d_model: WIDTH, n_heads: HEADS });
  let rows = Array.from({ length: texts.length }, (_, row) => [...x.subarray(row * WIDTH, (row + 1) * WIDTH)]);
  for (const { settings, weights } of stack) {
    const read = Float32Array.from(rows.flatMap((row) => row.map((value) => (value * Math.sqrt(WIDTH)) / lengthOf(row))));
    read.shape = [texts.length, WIDTH];
    const { output } = forward(read, weights, settings);
    rows = rows.map((row, at) => row.map((value, i) => value + output[at * WIDTH + i]));
  }
  return rows;
}
