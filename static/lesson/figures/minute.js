/** One of the four figures with which attention is explained in a minute, and the clock that they share. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button }, { chart }, { grid }, { shaped }, { beside, framed, headOf, layerOn, wordsFor }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/chart", "../../draw/grid", "../../local/layer", "../common"].map((name) => import(`${name}.js${version}`)));

const [SECONDS, MOST] = [60, 6];
const LAYER = { d_model: 8, n_heads: 2 };
const PARTS = { vectors: drawVectors, weights: drawWeights, values: drawValues, heads: drawHeads };
// One clock for all four steps: a person goes on to the next while it runs.
const clock = { end: null, timer: 0, watchers: new Set() };

export default function ({ root, settings, context }) {
  const shown = ui.make("output", { role: "timer", "aria-label": "seconds left" });
  const start = button("", () => {
    run(clock.end === null);
  });
  const { body, said } = framed(root, start, shown);
  const state = { made: null };
  const say = () => {
    start.textContent = clock.end === null ? `start ${SECONDS} seconds` : "stop";
    shown.textContent = clock.end === null ? "" : `${Math.max(0, Math.ceil((clock.end - Date.now()) / 1000))} s left`;
  };

  function draw() {
    const tokens = wordsFor(context, settings.text, MOST);
    state.made = madeOf(tokens, settings.seed);
    const { parts, words } = PARTS[settings.part](state.made, context.palette());
    body.replaceChildren(...parts);
    said.textContent = words;
  }

  clock.watchers.add(say);
  say();
  draw();
  return {
    facts: () => ({ top: state.made.names[state.made.best], top_weight: state.made.row[state.made.best], word: state.made.names.at(-1), n: state.made.names.length }),
    draw, stop: () => clock.watchers.delete(say), // the clock runs on: the next step takes it over
  };
}

/** Start the clock, or stop it; it stops by itself at the end. */
function run(on) {
  clearInterval(clock.timer);
  clock.end = on ? Date.now() + 1000 * SECONDS : null;
  const tell = () => {
    for (const say of clock.watchers) say();
  };
  if (on) {
    clock.timer = setInterval(() => {
      if (Date.now() > clock.end + 1000) run(false);
      else tell();
    }, 250);
  }
  tell();
}

/** The last word's row in head 0, and all of which it is made. */
function madeOf(tokens, seed) {
  const { x, weights, pass } = layerOn(tokens, { ...LAYER, seed });
  const n = tokens.length;
  const row = [...headOf(pass.weights, 0).subarray((n - 1) * n)];
  const best = row.reduce((top, weight, i) => (weight > row[top] ? i : top), 0);
  return { names: tokens.map(({ name }) => name), x, matrices: weights, pass, row, best };
}

function drawVectors({ names, x, pass }, palette) {
  const of = (values, title, rows) => grid({ values, label: `${title}, ${values.shape.join(" × ")}`, palette, scale: "values", cell: [24, 26], rows, title });
  const parts = [["query", "queries"], ["key", "keys"], ["value", "values"]].map(([part, title]) => [of(headOf(pass[part], 0), title, null), ""]);
  return {
    parts: [beside([of(x, "tokens", names), ""], ...parts)],
    words: `${names.length} tokens of ${LAYER.d_model} numbers each; head 0 makes a query, a key and a value of ${LAYER.d_model / LAYER.n_heads} numbers from every one.`,
  };
}

function drawWeights({ names, pass, row, best }, palette) {
  const n = names.length;
  const scaled = [...headOf(pass.masked, 0).subarray((n - 1) * n)];
  return {
    parts: [beside(
      [chart({ label: `Scores of ${names.at(-1)}`, palette, width: 360, bars: names.map((name, i) => ({ name, value: scaled[i], colour: palette.query, words: ui.decimals(scaled[i], 2) })) }), `q of “${names.at(-1)}” · each k, ÷ √${LAYER.d_model / LAYER.n_heads}`],
      [chart({ label: `Weights of ${names.at(-1)}: most on ${names[best]}.`, palette, width: 360, bars: names.map((name, i) => ({ name, value: row[i], colour: ui.css(ui.mix(palette.weights, 0.68)), words: ui.decimals(row[i], 2) })) }), "softmax: positive, and 1 in sum"])],
    words: `“${names.at(-1)}” gives “${names[best]}” the most, ${ui.decimals(row[best], 2)}; all ${n} weights sum to ${ui.decimals(row.reduce((sum, weight) => sum + weight, 0), 3)}.`,
  };
}

function drawValues({ names, pass, row }, palette) {
  const values = headOf(pass.value, 0);
  const d = values.shape[1];
  const parts = row.map((weight, key) => [...values.subarray(key * d, (key + 1) * d)].map((value) => weight * value));
  const sum = parts[0].map((_, i) => parts.reduce((total, part) => total + part[i], 0));
  const rows = [...names.map((name, key) => `${ui.decimals(row[key], 2)} × ${name}`), "sum"];
  return {
    parts: [grid({ values: [...parts, sum], label: `Weighted values, and their sum ${sum.map((value) => ui.decimals(value, 2)).join(", ")}.`, palette, scale: "values", cell: [56, 28], digits: 2, rows, outline: { row: names.length }, title: "weight × value" })],
    words: `The ${names.length} weighted values of head 0 add up to ${sum.map((value) => ui.decimals(value, 2)).join(", ")}: what “${names.at(-1)}” takes from the others and itself.`,
  };
}

function drawHeads({ names, matrices, pass }, palette) {
  const { n_heads: heads, d_model: width } = LAYER;
  const [d, last] = [width / heads, names.length - 1];
  const parts = Array.from({ length: heads }, (_, head) => {
    const own = shaped([width]);
    for (let at = 0; at < d; at++) for (let i = 0; i < width; i++) own[i] += pass.concat[last * width + head * d + at] * matrices.output[(head * d + at) * width + i];
    return [...own];
  });
  const output = [...pass.output.subarray(last * width, (last + 1) * width)];
  return {
    parts: [grid({ values: [...parts, output], label: `What ${heads} heads bring, and the output ${output.map((value) => ui.decimals(value, 2)).join(", ")}.`, palette, scale: "values", cell: [48, 28], digits: 2, rows: [...parts.map((_, head) => `head ${head} · W_O`), "output"], outline: { row: heads }, title: `output of “${names.at(-1)}”` })],
    words: `${heads} heads, each with weights of its own, are brought to ${width} numbers by W_O and added up.`,
  };
}
