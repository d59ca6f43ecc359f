/** Names above a map of a picture: slanted while each has room; upright and smaller, all of them, while they can be read. */
const version = new URL(import.meta.url).search;
const axes = await import(`../axes.js${version}`);

// Units: 14 are 7 pt on paper, and 10 the 5 pt below which journals take no letters.
const [LETTERS, SMALLEST] = [14, 10];
// Of what a column takes, the height of upright letters.
const SHARE = 0.97;
// From a map to the names above it, and above them.
const AROUND = 10;

const sizeOf = (names, width) => Math.min(LETTERS, Math.floor((SHARE * width) / names.length));

/** Whether slanted names would leave some out that have room upright. */
export function isUpright(names, width) {
  return axes.LABEL * names.length > width && sizeOf(names, width) >= SMALLEST;
}

/** What the names above a map of that width take. */
export function heightOf(names, width) {
  if (!isUpright(names, width)) return axes.topOf(names);
  const size = sizeOf(names, width);
  return Math.ceil(Math.max(...names.map((name) => axes.widthOf(axes.brief(name), false, size)))) + AROUND;
}

/** What of plotly's axis tells the names: {tickvals, ticktext, tickfont, tickangle?}. */
export function ticks(names, width, sink) {
  if (!isUpright(names, width)) return { ...axes.columnTicks(names, width, sink), tickfont: { size: LETTERS } };
  return {
    tickvals: names.map((_, i) => i), ticktext: names.map((name) => axes.escaped(axes.brief(name))), tickangle: -90, tickfont: { size: sizeOf(names, width) },
  };
}
