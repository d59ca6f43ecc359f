/**
 * Lines of text in a picture: what stands above it, and words of several inks. A span is {text, ink, bold}; a piece is the
 * spans that stay in one line.
 */
const version = new URL(import.meta.url).search;
const [{ ui }, axes, sizes, { element }, words] = await Promise.all(
  ["../headlight", "../axes", "./sizes", "./vector", "./words"].map((name) => import(`${name}.js${version}`)));

export const LETTERS = 14;
const HEADING = 15;

/** Figures are drawn as wide as each other, and measured so. */
export const widthOf = (text, bold = false, size = LETTERS) => axes.widthOf(text.replace(/\d/g, "0"), bold, size);

/** A token's name as spans; one that stands more than once has its place after it. */
export function nameOf(names, index, span = {}) {
  const [name, place] = ui.named(names, index);
  return [{ ...span, text: axes.brief(name) }, ...(place ? [{ ...span, bold: false, text: place.textContent }] : [])];
}

/**
 * The lines above a picture: model, layer and head, what was changed, and what the picture is of, {text, place: spans
 * after it}.
 */
export function headOf(given, shown, { text, place = [] }, units, title) {
  const changed = words.changesOf({ ...shown, look: { ...shown.look, zoom: null } });
  const name = title ? plain(words.titleOf(given.about, shown), units, { bold: true, size: HEADING, ink: "ink" }) : [];
  const subject = title ? plain(text, { width: units.width - wide(place) }, { bold: true }) : [];
  subject.at(-1)?.[0].spans.push(...place);
  return [...name, ...(changed ? plain(changed, units) : []), ...subject];
}

/** Lines of one ink. */
export function plain(text, { width }, span = {}) {
  return sizes.wrapped(text, width - 2 * sizes.PAD, span.bold, span.size).map((line) => [{ left: sizes.PAD, spans: [{ ...span, text: line }] }]);
}

const wide = (spans) => spans.reduce((sum, { text, bold, size }) => sum + widthOf(text, bold, size), 0);

/** Pieces in lines, [[{left, spans}]]: what has no room in one goes on in the next. */
export function flow(pieces, width) {
  const lines = [[]];
  let left = sizes.PAD;
  for (const spans of pieces) {
    if (left + wide(spans) > width - sizes.PAD && lines.at(-1).length) {
      lines.push([]);
      left = sizes.PAD;
    }
    lines.at(-1).push({ left, spans });
    left += wide(spans) + widthOf(" ");
  }
  return lines;
}

/** Those lines as a group whose top is there. */
export function written(made, lines, top, palette) {
  const texts = lines.flatMap((pieces, i) => pieces.map(({ left, spans }) => spansAt(made, spans, { x: left, y: top + (i + 1) * sizes.LINE - 4 }, palette)));
  return group(made, "words", palette, ...texts);
}

export function group(made, name, palette, ...children) {
  return element(made, "g", { class: name, "font-family": axes.FONT, "font-size": LETTERS, fill: palette.muted, style: "font-variant-numeric: tabular-nums" }, ...children);
}

/** One text; a name that is written from the right leaves what stands beside it where it is. */
export function spansAt(made, spans, attributes, palette) {
  const one = ({ text, bold, size, ink }) => element(made, "tspan", {
    style: "unicode-bidi: isolate", ...(bold ? { "font-weight": 600 } : {}), ...(size ? { "font-size": size } : {}), ...(ink ? { fill: palette[ink] } : {}),
  }, text);
  return element(made, "text", attributes, ...spans.map(one));
}
