/** The singular values of one head's scores, of W_Q W_Kᵀ or of W_V W_O: how many are not 0, beside the width of the head. */

const version = new URL(import.meta.url).search;
const [{ gapOf, ROUNDING, stageOf }, { rankOf, singularValues }, { forward, project, shaped, weightsOf }, { random }, { chart }, { button, slider }] = await Promise.all(
  ["../stage", "../singular", "../../local/layer", "../../local/random", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const HEADS = [1, 2, 4, 8, 16];
const SAID = { scores: "one head's q·k", match: "W_Q·W_Kᵀ of one head", carry: "W_V·W_O of one head" };

export default function ({ root, settings, context }) {
  const state = { heads: settings.heads, seed: settings.seed, made: null };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const stage = stageOf({ root, ui: context.ui }, [
    slider({ label: "heads", values: HEADS, value: state.heads, change: (heads) => act({ heads }) }),
    button("Another seed", () => act({ seed: state.seed + 1 })),
  ]);

  function draw() {
    state.made = madeOf(settings, state);
    const { values, rank, width, size } = state.made;
    const palette = context.palette();
    stage.show(chart({
      palette, width: stage.width(), height: 250, x: { label: `singular values of ${SAID[settings.of]}, in falling order`, from: 0, to: size }, y: { label: "size", from: 0, to: values[0] * 1.05 },
      lines: [{ name: "", points: [...values].map((value, i) => [i + 1, value]), colour: palette.value, dots: true }],
      marks: width <= size ? [{ x: width + 0.5, label: `d_head = ${width}` }] : [],
      label: `${size} singular values, the largest ${values[0].toFixed(3)}; ${rank} of them are larger than rounding. The head is ${width} wide.`,
    }));
    stage.says(`${state.heads} ${state.heads === 1 ? "head" : "heads"} of ${width}: the ${size} × ${size} matrix has rank ${rank}; its bound is ${Math.min(width, size)}.`);
    check(stage, state.made, context.ui);
  }

  draw();
  return { facts: () => factsOf(state), draw, stop: () => root.replaceChildren() };
}

function check(stage, { rank, width, size, gap }, ui) {
  if (gap === null) stage.check(rank <= Math.min(width, size), `rank ${rank} ≤ ${Math.min(width, size)}`);
  else stage.check(gap < ROUNDING, `values first or the merged matrix first: the same within ${ui.number(gap, 2)} of the largest number`);
}

function madeOf({ of, d_model, n }, { heads, seed }) {
  const layer = { d_model, n_heads: heads, causal: false, positions: false, seed };
  const weights = weightsOf(layer);
  const x = drawn(n, d_model, seed);
  const pass = forward(x, weights, layer);
  const width = d_model / heads;
  const matrix = of === "scores" ? headOf(pass.scores, 0) : mergedOf(of, weights, width);
  const values = singularValues(matrix);
  return { values, rank: rankOf(values), width, size: matrix.shape[0], gap: of === "carry" ? gapOfMerged(x, pass, weights, matrix, width) : null };
}

/** Words of seeded numbers: more of them than a head is wide, and none twice. */
function drawn(n, m, seed) {
  const numbers = random(seed);
  const x = shaped([n, m]);
  for (let i = 0; i < x.length; i++) x[i] = numbers.normal();
  return x;
}

function headOf(all, head) {
  const [, rows, columns] = all.shape;
  const one = all.subarray(head * rows * columns, (head + 1) * rows * columns);
  one.shape = [rows, columns];
  return one;
}

/** The first head's two matrices as one of d_model × d_model. */
function mergedOf(of, weights, width) {
  return of === "match" ? project(columnsOf(weights.query, width), transposed(columnsOf(weights.key, width)))
    : project(columnsOf(weights.value, width), rowsOf(weights.output, width));
}

function columnsOf(matrix, count) {
  const made = shaped([matrix.shape[0], count]);
  for (let i = 0; i < made.length; i++) made[i] = matrix[Math.floor(i / count) * matrix.shape[1] + (i % count)];
  return made;
}

function rowsOf(matrix, count) {
  const made = matrix.slice(0, count * matrix.shape[1]);
  made.shape = [count, matrix.shape[1]];
  return made;
}

function transposed(matrix) {
  const [rows, columns] = matrix.shape;
  const made = shaped([columns, rows]);
  for (let i = 0; i < matrix.length; i++) made[(i % columns) * rows + Math.floor(i / columns)] = matrix[i];
  return made;
}

/** What the first head brings, in the layer's order (A·V, then W_O) and with the merged matrix (x·M, then A). */
function gapOfMerged(x, pass, weights, merged, width) {
  const layers = project(headOf(pass.heads, 0), rowsOf(weights.output, width));
  const other = project(headOf(pass.weights, 0), project(x, merged));
  return gapOf(other, layers).share;
}

function factsOf({ heads, made: { rank, width, size } }) {
  return { rank, width, size, heads, two: 2 * size * width, one: size * size, times: size / (2 * width) };
}
