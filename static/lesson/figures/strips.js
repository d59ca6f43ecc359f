/** The tokens of a sentence, each as its vector: a row of numbers. */

const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { toggle }, { namesOf, panel, sentenceOf }, { farthest, tinyOf }] = await Promise.all(
  ["../../headlight", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../tiny"].map((name) => import(`${name}.js${version}`)));

const CELL = [46, 26];

export default function ({ root, settings, context }) {
  const state = { positions: settings.positions };
  const compute = () => {
    const tokens = sentenceOf(settings, context);
    const { x } = tinyOf(tokens, { d: settings.d, seed: 0, positions: state.positions });
    return { tokens, x, facts: factsOf(tokens, x) };
  };
  const paint = ({ tokens, x, facts }, palette) => ({
    shapes: [grid({ values: x, rows: namesOf(tokens), columns: x[0].map((_, i) => String(i)), scale: "values", digits: 2, cell: CELL, palette,
      label: `Vectors of ${facts.n} tokens, ${facts.d} numbers each. The first, of ${tokens[0].name}: ${x[0].map((one) => ui.decimals(one, 2)).join(", ")}.` })],
    words: `${facts.n} tokens, ${facts.d} numbers each: ${facts.n * facts.d} numbers in all. ${saidOfTwins(facts)}`,
  });
  const controls = (draw) => (settings.positions_control
    ? [toggle({ label: "add the place of each token", value: state.positions, change: (on) => { state.positions = on; draw(); } })] : []);
  return panel({ root, context, controls, compute, paint });
}

/** The first two tokens that are the same word, and whether their vectors are. */
function factsOf(tokens, x) {
  const words = tokens.map((token) => token.text.toLowerCase());
  const second = words.findIndex((word, i) => words.indexOf(word) < i);
  const first = second < 0 ? -1 : words.indexOf(words[second]);
  const apart = second < 0 ? 0 : farthest([x[first]], [x[second]]);
  return { n: tokens.length, d: x[0].length, numbers: tokens.length * x[0].length, word: second < 0 ? "" : words[second], first, second, apart,
    twins: apart === 0 ? 0 : 1 };
}

function saidOfTwins({ word, first, second, apart }) {
  if (!word) return "No word stands twice.";
  const twice = `“${word}” stands at places ${first} and ${second}, and its two vectors`;
  return apart === 0 ? `${twice} are equal in every number.` : `${twice} differ by up to ${ui.number(apart, 3)}.`;
}
