/** One fresh example, and where the heads of each trained model look in it: what they weigh, and what comes of it. */
const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { batchOf, fill, markOf, PLACES, symbolOf }, { forward, named, partsOf, passOf }, { headsOf, letterOf, MARKS }, { numberOf, random }] = await Promise.all(
  ["../headlight", "../draw/grid", "./task", "./model", "./words", "../local/random"].map((name) => import(`${name}.js${version}`)));

const [WIDEST, NAMES] = [52, 64];

/** A fresh example of that number; none of them was trained on but by chance. */
export const exampleOf = (lookups, number) => fill(batchOf(1, lookups), random(numberOf("a fresh example", number)));

/** What a trained model makes of an example: {weights (heads, PLACES), said: the symbol it names at each mark}. */
export function answered({ settings, parameters }, example) {
  const pass = passOf(settings, 1);
  forward(partsOf(parameters, settings), pass, example);
  pass.weights.shape = [settings.heads, PLACES];
  return { weights: pass.weights, said: named(pass) };
}

/** The ten places in words: “B”, or with its mark “▲ K”. */
export const placesOf = ({ kinds }) =>
  Array.from(kinds, (kind) => (markOf(kind) ? `${MARKS[markOf(kind) - 1]} ${letterOf(symbolOf(kind))}` : letterOf(symbolOf(kind))));

/** One trained model on the example: its heads' weights as cells, and its answers. */
export function strip(result, example, palette, room) {
  const { weights, said } = answered(result, example);
  const { heads } = result.settings;
  const rows = Array.from({ length: heads }, (_, head) => `head ${head}`);
  const columns = placesOf(example);
  const cell = [Math.min(WIDEST, Math.floor((room - NAMES) / PLACES)), 26];
  const drawing = grid({ values: weights, label: wordsOf(weights, rows, columns), palette, rows, columns, scale: "weights", digits: cell[0] >= 26 ? 2 : null, cell });
  return ui.make("div", { class: "strip" }, ui.make("h4", {}, headsOf(heads)), drawing, answersOf(said, example));
}

/** “▲ K ✓  ■ C, not D ✗”. */
function answersOf(said, { answers }) {
  const each = Array.from(said, (symbol, mark) => {
    const isRight = symbol === answers[mark];
    return `${MARKS[mark]} ${letterOf(symbol)}${isRight ? " ✓" : `, not ${letterOf(answers[mark])} ✗`}`;
  });
  return ui.make("p", { class: "said" }, "It names ", ...each.flatMap((words) => [ui.make("span", {}, words), " "]));
}

/** The place that each head weighs most, in words. */
function wordsOf(weights, rows, columns) {
  const most = rows.map((name, head) => {
    const row = weights.subarray(head * PLACES, (head + 1) * PLACES);
    const at = row.indexOf(Math.max(...row));
    return `${name} weighs place ${at}, ${columns[at]}, most: ${ui.decimals(row[at], 2)}`;
  });
  return `Weights over the places ${columns.join(", ")}: ${most.join("; ")}.`;
}
