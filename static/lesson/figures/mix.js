/** One row of attention: what each token weighs for the chosen one, its value, and the weighted mean that comes out. */

const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { choices, toggle }, { another, namesOf, panel, sentenceOf }, { entropy, farthest, headOf, largest, tinyOf, times }] = await Promise.all(
  ["../../headlight", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../tiny"].map((name) => import(`${name}.js${version}`)));

const CELL = [50, 28];

export default function ({ root, settings, context }) {
  const state = { causal: settings.causal, seed: settings.seed, query: null };
  let shown = null;
  const compute = () => {
    const tokens = sentenceOf(settings, context);
    const names = namesOf(tokens);
    const query = Math.min(state.query ?? pinned(tokens, settings.pin), tokens.length - 1);
    const head = headOf(tinyOf(tokens, { d: settings.d, seed: state.seed }), { allowed: (i, j) => !state.causal || j <= i });
    return { names, query, head, facts: factsOf(names, query, head) };
  };
  const controls = (draw) => {
    shown = ui.make("span");
    const causal = toggle({ label: "causal mask: no token sees a later one", value: state.causal, change: (on) => { state.causal = on; draw(); } });
    return [shown, ...(settings.mask_control ? [causal] : []), another(state, draw)];
  };
  const paint = (made, palette) => {
    offer(shown, made, (query) => { state.query = query; figure.draw(); });
    return { shapes: drawings(made, state, palette), words: wordsOf(made) };
  };
  const figure = panel({ root, context, controls, compute, paint });
  return figure;
}

function pinned(tokens, word) {
  const at = tokens.findLastIndex((token) => token.text.toLowerCase() === word.toLowerCase());
  return at < 0 ? tokens.length - 1 : at;
}

/** The buttons that choose the row; made anew only where the tokens are others. */
function offer(place, { names, query }, choose) {
  const known = names.join("\n");
  if (place.dataset.names !== known) {
    place.dataset.names = known;
    place.replaceChildren(choices({ label: "row of", options: names.map((name, i) => [i, name]), value: query, change: choose }));
  }
  place.firstChild.set(query);
}

function factsOf(names, query, { weights, v, output }) {
  const row = weights[query];
  const mean = times([row], v)[0];
  return { n: names.length, query: names[query], most: names[largest(row)], most_weight: row[largest(row)], self_weight: row[query],
    sum: row.reduce((all, one) => all + one, 0), seen: row.filter((one) => one > 0).length, unseen: row.filter((one) => one === 0).length, entropy: entropy(row),
    error: farthest([mean], [output[query]]), first_out: output[query][0] };
}

function drawings({ names, query, head }, { causal }, palette) {
  const row = head.weights[query];
  const closed = (at) => causal && at > query;
  const weight = grid({ values: row.map((one) => [one]), rows: names, title: "weight", digits: 3, cell: CELL, palette, masked: closed, outline: { row: query, column: 0 },
    label: `Weights of the row of ${names[query]}: ${names.map((name, i) => `${name} ${ui.decimals(row[i], 3)}`).join(", ")}.` });
  const value = grid({ values: head.v, title: "× value", scale: "values", digits: 2, cell: CELL, palette, masked: closed, label: "The values of all tokens, one row each." });
  const out = grid({ values: [head.output[query]], title: "= what comes out", scale: "values", digits: 2, cell: CELL, palette,
    label: `The weighted mean: ${head.output[query].map((one) => ui.decimals(one, 2)).join(", ")}.` });
  return [weight, value, out];
}

function wordsOf({ names, query, facts }) {
  const unseen = facts.unseen ? ` ${facts.unseen} of ${facts.n} tokens stand later and get nothing.` : "";
  return `“${names[query]}” gives “${facts.most}” the most, ${ui.decimals(facts.most_weight, 3)}, and itself ${ui.decimals(facts.self_weight, 3)}. `
    + `The row sums to ${ui.decimals(facts.sum, 3)}.${unseen}`;
}
