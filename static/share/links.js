/** The links of the heads in view as a picture: queries on the left, keys on the right, each line as opaque as its weight. */
const version = new URL(import.meta.url).search;
const names = ["../axes", "../links/heads", "../links/lines", "./picture", "./sizes", "./vector", "./words"];
const [axes, { DASHES, colourOf, gather }, { FAINTEST, alphaOf, linesOf }, { finished }, sizes, { SVG, element }, words] = await Promise.all(
  names.map((name) => import(`${name}.js${version}`)));

// Units, of which 14 are the smallest letters.
const [ROW, LETTERS, HEADING, NEAR, SWATCH] = [20, 14, 15, 8, 28];
// A picture for paper is at most a page high.
const TALLEST = 1360;
const [THIN, STRONG] = [1.5, 3];

/** As `drawing` of picture.js; store: of the heads beside the one in view. Rejects with a sentence where there are too many tokens, or rows that are not here. */
export async function linksDrawing(given, shown, { store, size, palette, paper, title = true, legend = true, pin = true }) {
  const units = sizes.unitsOf(size);
  const state = { store, look: shown.look, head: shown.head, heads: [], palette };
  gather(state);
  const lines = linesOf(state, [...shown.run.tokens.queries.keys()]);
  if (lines.unknown) throw new Error("the rows of so long a text are not here at once; shorten it.");
  const head = headOf(given, shown, state, lines, units.width, { title, legend });
  const place = placeOf(shown, units, sizes.PAD + head.length * sizes.LINE + NEAR);
  units.height ??= Math.ceil(place.top + place.rows * place.row + sizes.PAD);
  const made = document.implementation.createDocument(SVG, "svg");
  made.documentElement.append(
    element(made, "rect", { width: units.width, height: units.height, fill: paper }),
    element(made, "g", { class: "words", "font-family": axes.FONT, "font-size": LETTERS, fill: palette.muted },
      ...head.flatMap((line, i) => lineOf(made, line, sizes.PAD + (i + 1) * sizes.LINE - 4, palette))),
    strokes(made, state, lines, place, pin), labels(made, shown, place, palette, pin));
  return finished(made, { title: words.titleOf(given.about, shown), alt: altOf(shown, lines), units, size, paper });
}

/** The lines above the links: what they are of, what was changed, how much of the weight is drawn, and whose line is which. */
function headOf(given, shown, state, lines, width, { title, legend }) {
  const fit = (text, bold = false) => sizes.wrapped(text, width - 2 * sizes.PAD, bold, bold ? HEADING : LETTERS).map((one) => ({ text: one, bold }));
  const changed = words.changesOf({ ...shown, look: { ...shown.look, zoom: null } });
  const share = lines.total ? Math.round((100 * lines.carried) / lines.total) : 0;
  const drawn = `${lines.keys.length.toLocaleString("en")} of ${lines.open.toLocaleString("en")} links, ${share} % of the weight; the more opaque, the more weight`;
  const several = state.heads.length > 1 ? state.heads.map(({ slot, name }) => ({ text: `head ${name}`, swatch: { slot, colour: colourOf(state, slot) } })) : [];
  return [...(title ? fit(words.titleOf(given.about, shown), true) : []), ...(changed ? fit(changed) : []), ...(legend ? [...fit(drawn), ...several] : [])];
}

function lineOf(made, { text, bold, swatch }, y, palette) {
  const x = sizes.PAD + (swatch ? SWATCH + NEAR : 0);
  const letters = element(made, "text", { x, y, ...(bold ? { "font-weight": 700, "font-size": HEADING, fill: palette.ink } : {}) }, text);
  return swatch ? [stroke(made, swatch.slot, { x1: sizes.PAD, x2: sizes.PAD + SWATCH, y1: y - 5, y2: y - 5, stroke: swatch.colour, "stroke-width": STRONG }), letters] : [letters];
}

const labelOf = ({ mark, text }) => axes.brief(`${mark}${text}`);

/** Where the tokens stand: {top, row, rows, from, to}; what lies between is the links'. */
function placeOf({ run: { tokens } }, { width, height }, top) {
  const rows = Math.max(tokens.queries.length, tokens.keys.length);
  const row = height ? Math.min(2 * ROW, (height - top - sizes.PAD) / rows) : ROW;
  if (row < sizes.LINE || top + rows * row > TALLEST) throw new Error(`${rows} tokens one under another have no room in it; choose a larger size, or a shorter text.`);
  const wide = (side) => Math.max(...tokens[side].map((token) => axes.widthOf(labelOf(token), true))) + sizes.PAD + NEAR;
  return { top, row, rows, from: Math.ceil(wide("queries")), to: Math.floor(width - wide("keys")) };
}

const middle = ({ top, row }, index) => Number((top + (index + 0.5) * row).toFixed(2));

function stroke(made, slot, attributes) {
  return element(made, "line", { ...attributes, ...(DASHES[slot].length ? { "stroke-dasharray": DASHES[slot].join(" ") } : {}) });
}

/** The lines that anybody can see, the strongest over the others. */
function strokes(made, state, lines, place, pin) {
  const pinned = pin ? [state.look.query, ...state.look.also] : [];
  const order = [...lines.weights.keys()].filter((i) => lines.weights[i] >= FAINTEST).sort((a, b) => lines.weights[a] - lines.weights[b]);
  return element(made, "g", { class: "links" }, ...order.map((i) => stroke(made, lines.slots[i], {
    x1: place.from, y1: middle(place, lines.queries[i]), x2: place.to, y2: middle(place, lines.keys[i]), stroke: colourOf(state, lines.slots[i]),
    "stroke-opacity": Number(alphaOf(lines.weights[i]).toFixed(4)), "stroke-width": pinned.includes(lines.queries[i]) ? STRONG : THIN,
  })));
}

/** The tokens of both sides; the pinned ones bold. */
function labels(made, { run: { tokens }, look }, place, palette, pin) {
  const side = (which, x, anchor, isBold) => tokens[which].map((token, i) => element(made, "text", {
    x, y: middle(place, i) + 5, "text-anchor": anchor, ...(isBold(i) ? { "font-weight": 700 } : {}),
  }, labelOf(token)));
  const isPinned = (i) => pin && [look.query, ...look.also].includes(i);
  return element(made, "g", { class: "tokens", "font-family": axes.FONT, "font-size": LETTERS, fill: palette.ink },
    ...side("queries", place.from - NEAR, "end", isPinned), ...side("keys", place.to + NEAR, "start", () => false));
}

function altOf({ run: { tokens }, look }, lines) {
  const most = lines.weights.indexOf(Math.max(...lines.weights));
  const strongest = most < 0 ? "" : `; the strongest from “${labelOf(tokens.queries[lines.queries[most]])}” to “${labelOf(tokens.keys[lines.keys[most]])}”, ${lines.weights[most].toFixed(2)}`;
  return `Links of layer ${look.layer}, head ${look.head}: ${tokens.queries.length} queries on the left, ${tokens.keys.length} keys on the right${strongest}.`;
}
