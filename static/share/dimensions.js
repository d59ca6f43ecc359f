/** One score by dimension as a picture: the rows of bars of the page, in the order and form that a person chose there. */
const version = new URL(import.meta.url).search;
const names = ["../headlight", "../dimensions/options", "../dimensions/products", "../dimensions/rows", "../dimensions/vectors", "../dimensions/words", "./lines", "./picture", "./sizes", "./vector", "./words"];
const [{ ui }, { isPaired, optionsOf }, { pairOf, takeApart }, bars, { beforeTurning, turnOf, unitsOf, vectorsOf }, { joint, largestIn, placesOf, stepsOf, whyNot }, text, { finished }, sizes, { SVG, element }, words] =
  await Promise.all(names.map((name) => import(`${name}.js${version}`)));

// Units, of which 14 are the smallest letters: from a row's end to the middle of its number, and to its label.
const [EDGE, APART, NEAR, NUMBERS] = [5, 21, 8, 20];
const TALLER = 2;

/** As `drawing` of picture.js; store: of what the component was given, and how it shows it. Rejects with a sentence where q and k are not here. */
export async function dimensionsDrawing(given, shown, { store, size, palette, paper, title = true, legend = true }) {
  const state = stateOf(shown, store, palette);
  const units = sizes.unitsOf(size);
  const head = [...text.headOf(given, shown, subjectOf(state), units, title), ...text.flow(chainOf(state), units.width)];
  const largest = largestIn(state);
  const below = legend ? text.plain(largest, units) : [];
  const { rows, end } = placed(bars.rowsOf(state), units, sizes.PAD + head.length * sizes.LINE + bars.GAP / 2, below.length * sizes.LINE + sizes.PAD);
  const made = document.implementation.createDocument(SVG, "svg");
  const left = Math.ceil(Math.max(...rows.flatMap((row) => [text.widthOf(row.label, true), ...endsOf(row).map(([value]) => text.widthOf(value))]))) + sizes.PAD + NEAR;
  const step = (units.width - left - sizes.PAD) / state.made.order.length;
  made.documentElement.append(
    element(made, "rect", { width: units.width, height: units.height, fill: paper }),
    ...(head.length ? [text.written(made, head, sizes.PAD, palette)] : []),
    ...rows.map((row) => rowOf(made, row, { left, step, ...bars.scaleOf(row, row.top) }, palette)),
    namesOf(made, state.made.order, { left, step, end }, palette),
    ...(below.length ? [text.written(made, below, end + NUMBERS, palette)] : []));
  const { query, key } = named(state);
  return finished(made, { title: words.titleOf(given.about, shown), alt: `q · k of “${query}” and “${key}” by ${isPaired(state) ? "pair" : "dimension"}. ${largest}`, units, size, paper });
}

/** What the component knows of the chosen pair, with nothing under the pointer. */
function stateOf(shown, store, palette) {
  const vectors = vectorsOf(shown);
  if (!vectors) throw new Error(whyNot(shown));
  const turn = turnOf({ given: store.last("rotary"), shown });
  const state = { shown, palette, vectors, turn, options: optionsOf(store), at: null, before: beforeTurning(vectors, turn) };
  state.units = unitsOf(vectors.query.shape[1], isPaired(state) ? turn.pairs : null);
  state.pair = pairOf(state);
  state.made = takeApart(state, state.pair);
  state.places = placesOf(state.made.units);
  return state;
}

const named = ({ shown: { run: { tokens } }, pair: { query, key } }) => ({ query: ui.namesOf(tokens.queries)[query], key: ui.namesOf(tokens.keys)[key] });

const subjectOf = (state) => ({ text: `q · k by ${isPaired(state) ? "rotary pair" : "dimension"}` });

/** “it” · “cat”: Σ q·k = 12.84 → × 1/√32 = 2.27 → weight 0.737, a piece a step. */
function chainOf(state) {
  const { shown: { run: { tokens } }, pair } = state;
  const name = (side, list, index, end) => [{ text: "“", ink: side }, ...text.nameOf(ui.namesOf(list), index, { bold: true, ink: side }), { text: "”", ink: side }, { text: end }];
  const steps = stepsOf(state, pair).map((one, i) => [{ text: `${joint(one, i).trimStart()}${one.isSum ? "Σ q·k" : ""}${one.text}`, ink: "ink" }]);
  return [name("query", tokens.queries, pair.query, " ·"), name("key", tokens.keys, pair.key, ":"), ...steps];
}

/** The rows with their tops, taller where a slide has room, and where they end. */
function placed(rows, units, top, rest) {
  const natural = rows.reduce((sum, { height }) => sum + height, 0);
  const between = rows.length * bars.GAP;
  const share = units.height ? Math.min(TALLER, (units.height - top - between - NUMBERS - rest) / natural) : 1;
  const made = [];
  for (const row of rows) {
    made.push({ ...row, top, height: row.height * share });
    top += row.height * share + bars.GAP;
  }
  units.height ??= Math.ceil(top + NUMBERS + rest);
  return { rows: made, end: top };
}

const labelsIn = (row, zero) => bars.labelsOf(row, { top: row.top, zero, edge: EDGE, apart: APART });
const endsOf = (row) => labelsIn(row, row.top).ends.map(([value, y]) => [ui.number(value, 3), y]);

/** A row: its name, the numbers at its ends, its zero, and its bars or the line of their sum. */
function rowOf(made, row, place, palette) {
  const write = (said, y, own) => element(made, "text", { x: place.left - NEAR, y: short(y + 5), "text-anchor": "end", ...own }, said);
  const zero = element(made, "rect", { x: place.left, y: short(place.zero - 0.5), width: short(place.step * row.values.length), height: 1, fill: palette.line });
  return text.group(made, `bars ${row.name}`, palette, ...endsOf(row).map(([value, y]) => write(value, y, {})),
    write(row.label, labelsIn(row, place.zero).middle, { "font-weight": 600, fill: row.ink ?? palette.ink }), zero,
    ...(row.isLine ? [lineOf(made, row, place, palette)] : row.values.flatMap((_, i) => barOf(made, row, i, place, palette))));
}

const short = (value) => Number(value.toFixed(3));
const boxOf = (box) => Object.fromEntries(Object.entries(box).map(([name, value]) => [name, short(value)]));

function barOf(made, row, i, place, palette) {
  const bar = element(made, "rect", { class: "bar", ...boxOf(bars.barOf(row, i, place)), fill: row.colour(row.values[i]) });
  return row.frame?.length ? [element(made, "rect", { ...boxOf(bars.frameOf(row, i, place)), fill: "none", stroke: palette.line }), bar] : [bar];
}

function lineOf(made, row, place, palette) {
  return element(made, "path", { d: `M${bars.stepsOf(row, place).map((corner) => corner.map(short).join(" ")).join("L")}`, fill: "none", stroke: palette.ink, "stroke-width": 1.5 });
}

/** The dimensions' numbers under their bars. */
function namesOf(made, order, { left, step, end }, palette) {
  const texts = bars.namesUnder(order, step, text.widthOf).map(([i, said]) => element(made, "text", { x: short(left + (i + 0.5) * step), y: end + 10, "text-anchor": "middle" }, said));
  return text.group(made, "dims", palette, ...texts);
}
