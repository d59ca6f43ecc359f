/** Inputs whose answer is known without a computer: all scores equal, one token, one key several times. Each is run and checked. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, choices, slider, toggle }, { chart }, { grid }, { embedded, forward, project, weightsOf }, { tokensOf }, { apart, beside, framed, headOf, tiny, verdict }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/chart", "../../draw/grid", "../../local/layer", "../../local/words", "../common"].map((name) => import(`${name}.js${version}`)));

const LAYER = { d_model: 8, n_heads: 2, positions: false };
const ALLOWED = 1e-5;
const CASES = [["equal", "all scores equal"], ["one", "one token"], ["copies", "one key several times"]];
const WORDS = "cat dog bird fish frog".split(" ");

export default function ({ root, settings, context }) {
  const state = { case: settings.case, copies: settings.copies, causal: settings.causal, seed: settings.seed, n: 4 };
  const change = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const tokens = slider({ label: "tokens", low: 2, high: 5, step: 1, value: state.n, change: (n) => change({ n }) });
  const causal = toggle({ label: "causal", value: state.causal, change: (on) => change({ causal: on }) });
  const copies = slider({ label: "copies", low: 1, high: 8, step: 1, value: state.copies, change: (count) => change({ copies: count }) });
  const { body, said } = framed(root, choices({ label: "case", options: CASES, value: state.case, change: (own) => change({ case: own }) }),
    tokens, causal, copies, button("other weights", () => change({ seed: state.seed + 1 })));

  function draw() {
    [[tokens, "equal"], [causal, "equal"], [copies, "copies"]].forEach(([control, own]) => { control.style.display = state.case === own ? "" : "none"; });
    const { parts, ok, words, told } = MADE[state.case](state, context.palette());
    body.replaceChildren(...parts, verdict(ok, words));
    said.textContent = told;
  }

  draw();
  return { facts: () => MADE[state.case](state, context.palette()).facts, draw, stop: () => {} };
}

const MADE = { equal: equalScores, one: oneToken, copies: severalTimes };

function layer(texts, state, changed = {}) {
  const settings = { ...LAYER, causal: state.case === "equal" && state.causal, seed: state.seed };
  const weights = { ...weightsOf(settings), ...changed };
  const tokens = texts.flatMap(tokensOf);
  const { x } = embedded(tokens, settings);
  return { settings, weights, x, pass: (edits = {}) => forward(x, weights, settings, edits) };
}

/** With W_Q = 0 every score is 0: even weights, and the mean of the values that each row may see. */
function equalScores(state, palette) {
  const words = WORDS.slice(0, state.n);
  const zero = new Float32Array(LAYER.d_model ** 2);
  zero.shape = [LAYER.d_model, LAYER.d_model];
  const { pass } = layer(words, state, { query: zero });
  const { weights, heads, value, allowed } = pass();
  const [, n, d] = value.shape;
  const mean = Float32Array.from(heads, (_, at) => {
    const [head, row, column] = [Math.floor(at / (n * d)), Math.floor(at / d) % n, at % d];
    const seen = [...Array(n).keys()].filter((key) => allowed[row * n + key]);
    return seen.reduce((sum, key) => sum + value[(head * n + key) * d + column], 0) / seen.length;
  });
  const last = weights[(n - 1) * n];
  const difference = apart(heads, mean);
  const shown = grid({ values: headOf(weights, 0), label: `Weights of head 0: the last row gives each key ${ui.decimals(last, 3)}.`, palette, rows: words, columns: words, cell: [56, 32], digits: 3, masked: (i, j) => !allowed[i * n + j], title: "weights" });
  const output = grid({ values: headOf(heads, 0), label: "Output of head 0", palette, scale: "values", rows: words, cell: [56, 32], digits: 2, title: "output of head 0" });
  return {
    parts: [beside([shown, ""], [output, `= mean of the values${state.causal ? " up to the row" : ""}`])], ok: difference <= ALLOWED, facts: { weight: last, n, difference: tiny(difference) },
    words: `output against the mean of the values: largest difference ${tiny(difference)}, allowed ${tiny(ALLOWED)}`,
    told: `All scores are 0, so a row that sees ${n} keys gives each 1/${n} = ${ui.decimals(1 / n, 4)}.`,
  };
}

/** One token: weight 1, whatever the scores are, and W_O of its own value. */
function oneToken(state, palette) {
  const { weights: own, pass } = layer(WORDS.slice(0, 1), state);
  const { weights, scaled, V, output } = pass();
  const expected = project(V, own.output);
  const difference = apart(output, expected);
  const line = (values, title) => grid({ values: [values], label: `${title}: ${[...values].map((value) => ui.decimals(value, 2)).join(" ")}`, palette, scale: "values", cell: [52, 30], digits: 2, title });
  return {
    parts: [beside([line(output, "output"), ""], [line(expected, "v·W_O"), ""])], ok: difference <= ALLOWED && weights.every((one) => one === 1),
    facts: { weight: weights[0], n: 1, difference: tiny(difference) },
    words: `weights ${[...weights].join(", ")}; output against v·W_O: largest difference ${tiny(difference)}, allowed ${tiny(ALLOWED)}`,
    told: `The scores are ${[...scaled].map((score) => ui.decimals(score, 2)).join(" and ")}, and both weights 1: a softmax over one key has no choice.`,
  };
}

/** r equal keys against one whose score is ln r higher: the same weights in sum, and the same output. */
function severalTimes(state, palette) {
  const [first, ...others] = WORDS.slice(0, 3);
  const query = others.at(-1);
  const many = layer([...Array(state.copies).fill(first), ...others], state);
  const raised = layer([first, ...others], state);
  const rise = Math.log(state.copies) * Math.sqrt(LAYER.d_model / LAYER.n_heads);
  const [one, other] = [many.pass(), raised.pass({ scores: (_, __, key, score) => (key === 0 ? score + rise : score) })];
  const last = (pass) => [...headOf(pass.weights, 0).subarray(-pass.weights.shape[2])];
  const [copied, single] = [last(one), last(other)];
  const total = copied.slice(0, state.copies).reduce((sum, weight) => sum + weight, 0);
  const d = LAYER.d_model;
  const difference = Math.max(Math.abs(total - single[0]), apart(one.output.subarray(-d), other.output.subarray(-d)));
  const bars = (names, weights) => names.map((name, i) => ({ name, value: weights[i], colour: ui.css(ui.mix(palette.weights, 0.68)), words: ui.decimals(weights[i], 3) }));
  const most = Math.max(...copied, ...single);
  return {
    parts: [beside(
      [chart({ label: `With ${state.copies} × ${first}: together ${ui.decimals(total, 4)}.`, palette, width: 360, y: { to: most }, bars: bars([...Array(state.copies).fill(first), ...others], copied) }), `row “${query}”, “${first}” ${state.copies} times: together ${ui.decimals(total, 4)}`],
      [chart({ label: `One ${first} whose score is ln ${state.copies} higher: ${ui.decimals(single[0], 4)}.`, palette, width: 360, y: { to: most }, bars: bars([first, ...others], single) }), `“${first}” once, its score + ln ${state.copies} = ${ui.decimals(Math.log(state.copies), 4)}`])],
    ok: difference <= ALLOWED, facts: { weight: total, n: copied.length, copies: state.copies, difference: tiny(difference), rule: ruleOf([(score) => score * state.copies, (score) => score + rise], raised, total) },
    words: `weights and outputs of both: largest difference ${tiny(difference)}, allowed ${tiny(ALLOWED)}`,
    told: `${state.copies} copies have together the weight of one key whose score is ln ${state.copies} = ${ui.decimals(Math.log(state.copies), 4)} higher.`,
  };
}

/** The first of these changes of one key's score that gives it this weight, by its place; their number where none does. */
function ruleOf(changes, { pass }, total) {
  const weightBy = (change) => {
    const { weights } = pass({ scores: (_, __, key, score) => (key === 0 ? change(score) : score) });
    return headOf(weights, 0).subarray(-weights.shape[2])[0];
  };
  const found = changes.findIndex((change) => Math.abs(weightBy(change) - total) <= ALLOWED);
  return found < 0 ? changes.length : found;
}
