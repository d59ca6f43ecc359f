/** Scores and weights of a whole sentence, with the rules that a person may change: masks, the softmax's axis, X for all three. */

const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { choices, slider, toggle }, { another, blanks, namesOf, panel, sentenceOf }, { dot, farthest, largest, softmax, times, tinyOf, turned }] = await Promise.all(
  ["../../headlight", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../tiny"].map((name) => import(`${name}.js${version}`)));

const PADDING = { text: "", name: "[pad]" };
const FLAT = 1e-9;
/** What each control says; `axis` and `padding` are no switches. */
const SWITCHES = {
  tie: "X itself for Q, K and V", causal: "causal mask", after: "mask after the softmax", keep_self: "a token may see itself",
};

export default function ({ root, settings, context }) {
  const state = Object.fromEntries(["tie", "causal", "after", "keep_self", "axis", "padding", "seed"].map((name) => [name, settings[name]]));
  const compute = () => {
    const words = sentenceOf(settings, context, settings.most);
    const tokens = [...words, ...Array(state.padding).fill(PADDING)];
    const steps = stepsOf(tokens, words.length, state, settings.d);
    return { names: namesOf(tokens), ...steps, facts: factsOf(steps, words.length) };
  };
  const controls = (draw) => {
    const change = (name) => (value) => { state[name] = value; draw(); };
    const made = {
      axis: () => choices({ label: "softmax over", options: [["keys", "keys (each row)"], ["queries", "queries (each column)"]], value: state.axis, change: change("axis") }),
      padding: () => slider({ label: "padding", low: 0, high: 4, step: 1, digits: 0, value: state.padding, change: change("padding") }),
    };
    const one = (name) => made[name]?.() ?? toggle({ label: SWITCHES[name], value: state[name], change: change(name) });
    return [...settings.controls.map(one), another(state, draw)];
  };
  return panel({ root, context, controls, compute, paint: (made, palette) => ({ shapes: drawings(made, state, settings, palette), words: wordsOf(made, settings.says) }) });
}

/** {scores, allowed, weights}: scores are divided by √d; weights stand in rows of queries. */
function stepsOf(tokens, real, { tie, causal, after, keep_self, axis, seed }, d) {
  const { x, query, key } = tinyOf(tokens, { d, seed });
  const [q, k] = tie ? [x, x] : [times(x, query), times(x, key)];
  const scores = q.map((row) => k.map((other) => dot(row, other) / Math.sqrt(d)));
  const allowed = scores.map((row, i) => row.map((_, j) => j < real && (!causal || j <= i) && (keep_self || i !== j)));
  const blocked = scores.map((row, i) => row.map((one, j) => (after || allowed[i][j] ? one : -Infinity)));
  const made = axis === "keys" ? blocked.map(softmax) : turned(turned(blocked).map(softmax));
  const weights = after ? made.map((row, i) => row.map((one, j) => (allowed[i][j] ? one : 0))) : made;
  return { scores, allowed, weights };
}

function factsOf({ scores, allowed, weights }, real) {
  const sum = (row) => row.reduce((all, one) => all + one, 0);
  const [rows, columns] = [weights.map(sum), turned(weights).map(sum)];
  const tops = scores.map((row, i) => largest(row.map((one, j) => (allowed[i][j] ? one : -Infinity))) === i);
  const even = (sums) => (sums.every((one) => Math.abs(one - 1) < 1e-6) ? 0 : 1);
  return {
    n: scores.length, real, score_asymmetry: farthest(scores, turned(scores)), weight_asymmetry: farthest(weights, turned(weights)),
    symmetric: farthest(weights, turned(weights)) < FLAT ? 0 : 1, own_tops: tops.filter(Boolean).length, mostly_own: tops.filter(Boolean).length * 2 > tops.length ? 0 : 1,
    row_low: Math.min(...rows), row_high: Math.max(...rows), column_low: Math.min(...columns), column_high: Math.max(...columns),
    rows_even: even(rows), columns_even: even(columns), nan_rows: rows.filter(Number.isNaN).length, first_self: weights[0][0], first_sum: rows[0], last_seen: allowed[real - 1].filter(Boolean).length,
    open: allowed.flat().filter(Boolean).length, cells: allowed.flat().length, first_row: Number.isNaN(rows[0]) ? 2 : Math.abs(rows[0] - 1) < FLAT ? 0 : 1,
  };
}

function drawings({ names, scores, allowed, weights, facts }, { after, axis }, { cell }, palette) {
  const closed = (row, column) => !allowed[row][column];
  const digits = cell >= 32 ? 2 : null;
  const common = { rows: names, cell, digits, palette };
  const sums = (title, values, columns, label) => grid({ values, columns, title, cell, digits: 2, palette, low: 0, high: 1.5, label });
  const rows = weights.map((row) => row.reduce((all, one) => all + one, 0));
  const columns = turned(weights).map((row) => row.reduce((all, one) => all + one, 0));
  const shown = [
    grid({ ...common, columns: names, values: scores, scale: "scores", title: "scores ÷ √d", masked: after ? () => false : closed,
      label: `Scores of ${facts.n} queries and keys; largest difference from its mirror image ${ui.number(facts.score_asymmetry, 3)}.` }),
    grid({ ...common, columns: names, values: weights, title: `weights: softmax over ${axis}`, masked: (row, column) => closed(row, column) && !Number.isNaN(weights[row][column]),
      label: `Weights; rows sum to ${range(facts.row_low, facts.row_high)}, columns to ${range(facts.column_low, facts.column_high)}.` }),
  ];
  return [...shown, sums("row sums", rows.map((one) => [one]), blanks(names, 1), `Row sums: ${rows.map((one) => ui.decimals(one, 2)).join(", ")}.`),
    sums("column sums", [columns], names, `Column sums: ${columns.map((one) => ui.decimals(one, 2)).join(", ")}.`)];
}

const range = (low, high) => (Math.abs(high - low) < 1e-6 ? ui.decimals(low, 3) : `${ui.decimals(low, 3)} to ${ui.decimals(high, 3)}`);

const SAYS = {
  sums: ({ facts }) => (facts.nan_rows ? `${facts.nan_rows} of ${facts.n} rows may see nothing, and the formula gives them NaN, not a number.`
    : `Rows sum to ${range(facts.row_low, facts.row_high)}, columns to ${range(facts.column_low, facts.column_high)}.`),
  mirror: ({ facts }) => `Mirrored on the diagonal, scores differ by up to ${ui.number(facts.score_asymmetry, 3)} and weights by up to ${ui.number(facts.weight_asymmetry, 3)}. `
    + `In ${facts.own_tops} of ${facts.n} rows a token’s largest score is its own.`,
  open: ({ names, facts }) => `${facts.open} of ${facts.cells} cells are open. “${names[0]}” gives itself ${Number.isNaN(facts.first_self) ? "NaN" : ui.decimals(facts.first_self, 3)}; `
    + `the last word sees ${facts.last_seen} of ${facts.n} tokens. ${SAYS.sums({ facts })}`,
};

const wordsOf = (made, says) => SAYS[says](made);
