/** One token's vector times three matrices: its query, its key and its value. */

const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { choices, slider }, { another, namesOf, panel, sentenceOf }, { rowsOf, times }, { embedded, weightsOf }] = await Promise.all(
  ["../../headlight", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../tiny", "../../local/layer"].map((name) => import(`${name}.js${version}`)));

const SIDES = ["query", "key", "value"];
const LETTERS = { query: ["W_Q", "q"], key: ["W_K", "k"], value: ["W_V", "v"] };
const CELL = [46, 26];
const MOST = 3;

export default function ({ root, settings, context }) {
  const state = { seed: settings.seed, token: 0, entry: settings.entry, value: null };
  let [shown, size] = [null, null];
  const layer = () => ({ d_model: settings.d, n_heads: settings.heads, positions: false, seed: state.seed });
  const compute = () => {
    const tokens = sentenceOf(settings, context, 8);
    const at = Math.min(state.token, tokens.length - 1);
    const own = rowsOf(embedded(tokens, layer()).x)[at];
    const x = own.map((one, i) => (i === state.entry && state.value !== null ? state.value : one));
    const width = settings.d / settings.heads;
    const matrices = Object.fromEntries(SIDES.map((side) => [side, rowsOf(weightsOf(layer())[side]).map((row) => row.slice(0, width))]));
    const made = Object.fromEntries(SIDES.map((side) => [side, times([x], matrices[side])[0]]));
    return { tokens, at, x, matrices, made, facts: factsOf(x, matrices, made, state, settings) };
  };
  const controls = (draw) => {
    shown = ui.make("span");
    size = slider({ label: "the chosen number of x", low: -MOST, high: MOST, step: 0.05, value: 0, change: (value) => { state.value = value; draw(); } });
    return [shown, size, another(state, draw)];
  };
  const paint = (all, palette) => {
    offer(shown, all, (token) => { Object.assign(state, { token, value: null }); figure.draw(); });
    size.set(all.x[state.entry]);
    const choose = (_, entry) => { Object.assign(state, { entry, value: null }); figure.draw(); };
    return { given: [vectorOf(all, state, palette, choose)], shapes: SIDES.map((side) => product(side, all, state, palette)), words: wordsOf(all, settings) };
  };
  const figure = panel({ root, context, controls, compute, paint });
  return figure;
}

function offer(place, { tokens, at }, choose) {
  const known = tokens.map((token) => token.text).join("\n");
  if (place.dataset.names !== known) {
    place.dataset.names = known;
    place.replaceChildren(choices({ label: "token", options: namesOf(tokens).map((name, i) => [i, name]), value: at, change: choose }));
  }
  place.firstChild.set(at);
}

/** What the chosen number of x brings to each of the three: whether they move with it. */
function factsOf(x, matrices, made, { entry }, settings) {
  const moved = SIDES.filter((side) => times([x.map((one, i) => (i === entry ? one + 1 : one))], matrices[side])[0].some((one, i) => one !== made[side][i]));
  const moves = moved.length === SIDES.length ? SIDES.length : SIDES.indexOf(moved[0]);
  return { d: x.length, width: made.query.length, entry, moved: moved.length, moves, parameters: 3 * x.length * made.query.length, heads: settings.heads,
    first_query: made.query[0] };
}

function vectorOf({ tokens, at, x }, { entry }, palette, choose) {
  const token = namesOf(tokens)[at];
  return grid({ values: [x], columns: x.map((_, i) => String(i)), title: `x of ${token}`, scale: "values", digits: 2, cell: CELL, palette, outline: { row: 0, column: entry },
    press: choose, label: `The vector of ${token}: ${said(x)}.` });
}

/** A matrix, and below it what x times it gives. */
function product(side, { tokens, at, matrices, made }, { entry }, palette) {
  const [name, letter] = LETTERS[side];
  const [matrix, result, token] = [matrices[side], made[side], namesOf(tokens)[at]];
  const box = ui.make("div");
  box.append(
    grid({ values: matrix, title: `${name} (${matrix.length} × ${result.length})`, scale: "values", digits: 2, cell: CELL, palette, outline: { row: entry }, label: `${name}, ${matrix.length} rows of ${result.length}.` }),
    grid({ values: [result], title: `${letter} = x ${name}`, scale: "values", digits: 2, cell: CELL, palette, label: `The ${side} of ${token}: ${said(result)}.` }));
  box.style.borderTop = `3px solid ${palette[side]}`;
  box.style.paddingTop = "6px";
  return box;
}

const said = (vector) => vector.map((one) => ui.decimals(one, 2)).join(", ");

function wordsOf({ x, made, matrices }, { d, heads }) {
  const column = matrices.query.map((row) => row[0]);
  const terms = x.slice(0, 3).map((one, i) => `${i ? bracketed(one) : ui.decimals(one, 2)} · ${bracketed(column[i])}`).join(" + ");
  return `The first number of q: ${terms}${x.length > 3 ? " + …" : ""} = ${ui.decimals(made.query[0], 2)}. This is head 0 of ${heads}: ${d} numbers in, ${d / heads} out, three times.`;
}

const bracketed = (value) => (value < 0 ? `(${ui.decimals(value, 2)})` : ui.decimals(value, 2));
