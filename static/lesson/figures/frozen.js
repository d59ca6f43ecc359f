/** One word is exchanged: which rows of the output change, with a causal mask and without. */

const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { choices, toggle }, { another, namesOf, panel, sentenceOf }, { embedded, forward, weightsOf }, { farthest, rowsOf }] = await Promise.all(
  ["../../headlight", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../../local/layer", "../tiny"].map((name) => import(`${name}.js${version}`)));

const [CELL, SHAPE] = [[40, 28], { d_model: 8, n_heads: 2 }];

export default function ({ root, settings, context }) {
  const state = { causal: settings.causal, word: settings.words.split(" ")[0], at: null, seed: settings.seed };
  let place = null;
  const compute = () => {
    const before = sentenceOf(settings, context, 8);
    const at = Math.min(state.at ?? before.length - 1, before.length - 1);
    const after = before.map((token, i) => (i === at ? { ...token, text: state.word, name: state.word } : token));
    const [first, second] = [before, after].map((tokens) => outputOf(tokens, state));
    return { before, after, at, first, second, facts: factsOf(first, second, at) };
  };
  const controls = (draw) => {
    place = ui.make("span");
    return [place,
      choices({ label: "becomes", options: settings.words.split(" ").map((word) => [word, word]), value: state.word, change: (word) => { state.word = word; draw(); } }),
      toggle({ label: "causal mask", value: state.causal, change: (on) => { state.causal = on; draw(); } }), another(state, draw)];
  };
  const paint = (made, palette) => {
    offer(place, made, (at) => { state.at = at; figure.draw(); });
    return { shapes: drawings(made, palette), words: wordsOf(made, state) };
  };
  const figure = panel({ root, context, controls, compute, paint });
  return figure;
}

function offer(place, { before, at }, choose) {
  const names = namesOf(before);
  const known = names.join("\n");
  if (place.dataset.names !== known) {
    place.dataset.names = known;
    place.replaceChildren(choices({ label: "word", options: names.map((name, i) => [i, name]), value: at, change: choose }));
  }
  place.firstChild.set(at);
}

/** What the local layer makes of the tokens, positions included: rows of numbers. */
function outputOf(tokens, { causal, seed }) {
  const settings = { ...SHAPE, causal, seed };
  return rowsOf(forward(embedded(tokens, settings).x, weightsOf(settings), settings).output);
}

/** A row counts as changed where a single bit of it is another. */
function factsOf(first, second, at) {
  const changed = first.map((row, i) => row.some((one, j) => !Object.is(one, second[i][j])));
  const count = changed.filter(Boolean).length;
  const [earlier, rest] = [changed.slice(0, at), changed.slice(at)];
  return { n: first.length, at, changed: count, same: first.length - count, earlier_changed: earlier.filter(Boolean).length, later_changed: rest.filter(Boolean).length,
    which: count === 0 ? 2 : earlier.some(Boolean) ? 1 : 0, earlier_change: at ? farthest(first.slice(0, at), second.slice(0, at)) : 0, targets: first.length - 1 };
}

function drawings({ before, after, at, first, second }, palette) {
  const names = namesOf(after);
  const difference = second.map((row, i) => row.map((one, j) => one - first[i][j]));
  return [
    grid({ values: first, rows: namesOf(before), title: "output before", scale: "values", cell: CELL, digits: 1, palette, outline: { row: at }, label: "The output before, a row a token." }),
    grid({ values: second, rows: names, title: "output after", scale: "values", cell: CELL, digits: 1, palette, outline: { row: at }, label: "The output after, a row a token." }),
    grid({ values: difference.map((row) => [Math.max(...row.map(Math.abs))]), title: "changed by", scale: "weights", low: 0, high: 1.5, cell: [90, CELL[1]], digits: 3, palette,
      label: `Largest change of each row: ${difference.map((row, i) => `${names[i]} ${ui.decimals(Math.max(...row.map(Math.abs)), 3)}`).join(", ")}.` }),
  ];
}

function wordsOf({ before, after, at, facts }, { causal }) {
  return `“${namesOf(before)[at]}” became “${after[at].text}”, ${causal ? "with" : "without"} a causal mask: ${facts.changed} of ${facts.n} rows changed, ${facts.same} are the same to the last bit. `
    + (at ? `Rows before it changed by ${facts.earlier_change === 0 ? "exactly 0" : `up to ${ui.number(facts.earlier_change, 3)}`}.` : "No row stands before it.");
}
