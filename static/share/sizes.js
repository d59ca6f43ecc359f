/**
 * How large a picture is, and where each map stands in it. Lengths are units of which 14 are the smallest letters: 7 pt
 * on paper, 26 pixels on a slide. Places are those of a figure without margins.
 */
const version = new URL(import.meta.url).search;
const [axes, { columnNames, rowNames }, above] = await Promise.all(["../axes", "../figures/sizes", "./above"].map((name) => import(`${name}.js${version}`)));

const LETTERS = 14;
const [DPI, POINT, INCH_MM] = [300, 72, 25.4];
const PAPER = (DPI * 7) / POINT / LETTERS;
const SLIDE = 26 / LETTERS;

/** {label, px: [width, height or null for what it needs], mm: its width on paper or null, scale: pixels to a unit}. */
export const SIZES = {
  column: { label: "one column of a paper, 89 mm", px: [across(89), null], mm: 89, scale: PAPER },
  double: { label: "both columns of a paper, 183 mm", px: [across(183), null], mm: 183, scale: PAPER },
  slide: { label: "a slide, 1920 × 1080", px: [1920, 1080], mm: null, scale: SLIDE },
};

function across(mm) {
  return Math.round((mm / INCH_MM) * DPI);
}

/** A picture's size in units, height null where it follows from what it shows. */
export function unitsOf({ px: [width, height], scale }) {
  const wide = Math.floor(width / scale);
  return { width: wide, height: height && (wide * height) / width };
}

// A panel from top to bottom: title, names, map, colours with their two numbers, and what it says in lines of LINE.
export const [TITLE, LINE, COLOURS] = [24, 18, 40];
export const PAD = 8;
const GAP = 16;
// The values' axis has two numbers alone, and a map beside one with names has none of its own.
const [NUMBERS, BARE] = [26, 3];
const [CELL, NAMED, LEAST, ENOUGH] = [24, 15, 72, 320];
// A map alone on a slide is no wider than this many times its height.
const WIDEST = 1.7;

/** Lines of text that are at most so many units wide; what has no room in one goes on in the next. */
export function wrapped(text, width, bold = false, size = LETTERS) {
  const lines = [];
  let last = "";
  for (const word of text.split(" ").flatMap((one) => broken(one, width, bold, size))) {
    const longer = last ? `${last} ${word}` : word;
    if (last && axes.widthOf(longer, bold, size) > width) {
      lines.push(last);
      last = word;
    } else last = longer;
  }
  return last ? [...lines, last] : lines;
}

/** A word in pieces that fit. */
function broken(word, width, bold, size) {
  const pieces = [""];
  for (const letter of word) {
    if (pieces.at(-1) && axes.widthOf(pieces.at(-1) + letter, bold, size) > width) pieces.push("");
    pieces[pieces.length - 1] += letter;
  }
  return pieces;
}

/**
 * Give each panel its place {left, top, width, height, labelled, lines}, below `start`; the picture's height. Panels are
 * {name, view, words, …} of one head; `stacked` puts one under another.
 */
export function place(shown, panels, { width, height }, start, stacked) {
  const groups = stacked ? panels.map((panel) => [panel]) : [panels];
  // How wide a map alone may be follows from how high it is, and what its names take from how wide it is.
  const high = (guess) => Math.max(LEAST, ...heights(shown, groups, { width, height }, start, guess));
  const fixed = height && high(WIDEST * high(Infinity));
  let top = start;
  for (const group of groups) top = line(shown, group, { width, top, fixed: height ? fixed : null }) + (stacked ? PAD : 0);
  return height ?? Math.ceil(top + PAD);
}

/** How high each map may be in a picture whose height is given. */
function heights(shown, groups, { width, height }, start, widest) {
  const rest = (height - start - PAD) / groups.length;
  const wide = (group) => Math.min(widthsOf(shown, group, width).each, group.length === 1 ? widest : Infinity);
  return [Math.min(...groups.map((group) => rest - TITLE - topOf(shown, group, wide(group)) - COLOURS - LINE * linesOf(shown, group, width) - PAD))];
}

const labelsOf = (shown, panel) => (panel.view ? columnNames({ shown }, panel) : []);

/** What stands above the maps of one line, each of that width. */
function topOf(shown, group, width) {
  return Math.max(...group.map((panel) => (!panel.view || panel.name === "values" ? NUMBERS : above.heightOf(labelsOf(shown, panel), width))));
}

/** Left of the maps of one line, and what each map gets. */
function widthsOf(shown, group, width) {
  const drawn = group.find((panel) => panel.view);
  const left = (drawn ? axes.leftOf(rowNames({ shown }, drawn)) : 0) + PAD;
  const each = (right) => Math.floor((width - left - right - PAD - (group.length - 1) * (GAP + BARE)) / group.length);
  const last = group.at(-1);
  return { left, each: each(last.view && last.name !== "values" ? beyond(labelsOf(shown, last), last.view.sink, each(PAD)) : PAD) };
}

/** How far the slanted names that have room reach beyond a map of that width, on its right. */
function beyond(names, sink, width) {
  if (above.isUpright(names, width)) return PAD;
  const { tickvals } = axes.columnTicks(names, width, sink);
  return Math.max(PAD, ...tickvals.map((index) => axes.overhang([names[index]]) - ((names.length - 0.5 - index) * width) / names.length + PAD));
}

function linesOf(shown, group, width) {
  const { each } = widthsOf(shown, group, width);
  return Math.max(...group.map((panel) => wrapped(panel.words, each).length));
}

/** Place the panels of one line beside each other; where the next line begins. */
function line(shown, group, { width, top, fixed }) {
  const { left, each } = widthsOf(shown, group, width);
  const drawn = group.find((panel) => panel.view);
  const rows = drawn ? rowNames({ shown }, drawn).length : 1;
  const high = fixed ? Math.min(fixed, 2 * CELL * rows) : Math.max(LEAST, Math.min(CELL * rows, Math.max(each, Math.min(NAMED * rows, ENOUGH))));
  const wide = fixed && group.length === 1 ? Math.min(each, Math.floor(WIDEST * high)) : each;
  const aside = Math.floor((each - wide) / 2);
  const names = topOf(shown, group, wide);
  const labelled = group.indexOf(drawn);
  let most = 0;
  group.forEach((panel, i) => {
    const lines = wrapped(panel.words, wide);
    panel.place = { left: left + aside + i * (each + GAP + BARE), top: top + TITLE + names, width: wide, height: high, labelled: i === labelled, names, lines };
    most = Math.max(most, lines.length);
  });
  return top + TITLE + names + high + COLOURS + most * LINE;
}
