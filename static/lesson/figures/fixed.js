/** One word is exchanged: the mixing weights of a fully connected layer over places, and those of attention. */

const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { choices }, { another, namesOf, panel, sentenceOf }, { random }, { farthest, headOf, softmax, tinyOf }] = await Promise.all(
  ["../../headlight", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../../local/random", "../tiny"].map((name) => import(`${name}.js${version}`)));

const CELL = 32;
const D = 8;

export default function ({ root, settings, context }) {
  const words = settings.words.split(" ");
  const state = { word: words[0], seed: settings.seed };
  const compute = () => {
    const before = sentenceOf(settings, context, 8);
    const at = placeOf(before, settings.place);
    const after = before.map((token, i) => (i === at && state.word ? { ...token, text: state.word, name: state.word } : token));
    const maps = [before, after].map((tokens) => ({ fixed: fixedOf(tokens.length, state.seed), attention: headOf(tinyOf(tokens, { d: D, seed: state.seed })).weights }));
    return { before, after, at, maps, facts: factsOf(before, after, maps) };
  };
  let exchange = null;
  const controls = (draw) => {
    exchange = choices({ label: "a word becomes", options: [["", "nothing else"], ...words.map((word) => [word, word])], value: state.word, change: (word) => { state.word = word; draw(); } });
    return [exchange, another(state, draw)];
  };
  const paint = ({ before, after, at, maps, facts }, palette) => {
    exchange.firstChild.textContent = `“${before[at].name}” becomes`;
    return paintOf(after, at, maps, facts, palette);
  };
  return panel({ root, context, controls, compute, paint });
}

function paintOf(after, at, maps, facts, palette) {
  return {
    shapes: [["fixed", "fully connected: learned, fixed"], ["attention", "attention: computed from the words"]].map(([kind, title]) =>
      grid({ values: maps[1][kind], rows: namesOf(after), columns: namesOf(after), title, cell: CELL, digits: 2, palette, outline: { column: at },
        label: `${title}. Largest change of a weight: ${ui.number(facts[`${kind}_change`], 3)}.` })),
    words: `Largest change of a weight: fully connected ${ui.number(facts.fixed_change, 3)}, attention ${ui.number(facts.attention_change, 3)}. `
      + `For ${facts.n} tokens the fixed map has ${facts.fixed_parameters} weights of its own and fits no other length; attention’s ${facts.attention_parameters} parameters fit any.`,
  };
}

function placeOf(tokens, word) {
  const at = tokens.findIndex((token) => token.text.toLowerCase() === word.toLowerCase());
  return at < 0 ? tokens.length - 1 : at;
}

/** Mixing weights that belong to places, whatever stands there. */
function fixedOf(n, seed) {
  const { normal } = random(seed);
  return Array.from({ length: n }, () => softmax(Array.from({ length: n }, normal)));
}

function factsOf(before, after, [first, second]) {
  const [fixed_change, attention_change] = ["fixed", "attention"].map((kind) => farthest(first[kind], second[kind]));
  const which = [fixed_change, attention_change].map((change) => change > 0);
  return { n: before.length, fixed_change, attention_change, fixed_parameters: before.length ** 2, attention_parameters: 2 * D * D,
    which: which[0] && which[1] ? 0 : which[0] ? 1 : which[1] ? 2 : 3 };
}
