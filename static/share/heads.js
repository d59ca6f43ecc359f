/** The map of all heads as a picture: layers down, heads across, each its small picture or its number, as last shown. */
const version = new URL(import.meta.url).search;
const names = ["../headlight", "../axes", "../heads/numbers", "../heads/pictures", "./picture", "./sizes", "./vector", "./words"];
const [{ ui }, axes, { figure, mostOf }, { atlasOf, rampOf }, { finished }, sizes, { SVG, element }, words] = await Promise.all(
  names.map((name) => import(`${name}.js${version}`)));

// Units, of which 14 are the smallest letters.
const [LETTERS, HEADING, GUTTER, NAMES, LARGEST] = [14, 15, 26, 20, 96];
// A square this wide has its number in it; names stand so far apart at least.
const [WRITTEN, APART] = [34, 20];
const [RAMP, BAR, TALLEST, POINTS] = [160, 10, 1360, 4];
const ABOVE = "corner filled: clearly above an even head";
const BLANK = "blank: closed by the mask";

/** As `drawing` of picture.js; store: of what the map was given. Rejects with a sentence where there is none to draw. */
export async function headsDrawing(given, shown, { store, size, palette, paper, title = true, legend = true }) {
  const overview = store.last("overview");
  if (!overview || overview.why) throw new Error(overview?.why ? `${overview.why}.` : "the map of all heads is not here yet.");
  const units = sizes.unitsOf(size);
  const name = titleOf(given, overview);
  const fit = (text, bold) => sizes.wrapped(text, units.width - 2 * sizes.PAD, bold, bold ? HEADING : LETTERS).map((one) => ({ text: one, bold }));
  const head = title ? fit(name, true) : [];
  const below = legend ? [...fit(overview.range.words), ...(overview.numbers ? (overview.marks ? fit(ABOVE) : []) : fit(BLANK))] : [];
  const place = placeOf(overview, units, sizes.PAD + head.length * sizes.LINE + NAMES, legend ? sizes.LINE * (below.length + 1) + BAR + sizes.PAD : 0);
  const end = place.top + place.side * overview.layers.length + sizes.PAD;
  units.height ??= Math.ceil(end + place.rest);
  const made = document.implementation.createDocument(SVG, "svg");
  const write = (line, i, top) => element(made, "text", {
    x: sizes.PAD, y: top + (i + 1) * sizes.LINE - 4, ...(line.bold ? { "font-weight": 700, "font-size": HEADING, fill: palette.ink } : {}),
  }, line.text);
  const letters = element(made, "g", { class: "words", "font-family": axes.FONT, "font-size": LETTERS, fill: palette.muted },
    ...head.map((line, i) => write(line, i, sizes.PAD)), ...sides(made, overview, place), ...below.map((line, i) => write(line, i, end + BAR + sizes.LINE)),
    ...(legend ? ends(made, overview, end + BAR + sizes.LINE - 2) : []));
  made.documentElement.append(element(made, "rect", { width: units.width, height: units.height, fill: paper }),
    ...(legend ? ramp(made, palette[overview.scale], end) : []), cells(made, overview, place, palette), letters);
  const alt = `${overview.layers.length} layers by ${mostOf(overview)} heads. ${overview.title}: ${overview.says}`;
  return finished(made, { title: name, alt, units, size, paper });
}

const titleOf = ({ about }, overview) => words.titleOfAll(about, overview.title);

/** {left, top, side, gap, rest}: squares as large as there is room for. rest: what the legend takes. */
function placeOf(overview, { width, height }, top, rest) {
  const [rows, most] = [overview.layers.length, mostOf(overview)];
  const across = (width - 2 * sizes.PAD - GUTTER) / most;
  const side = Math.floor(Math.min(LARGEST, across, ((height ?? TALLEST) - top - 2 * sizes.PAD - rest) / rows) * 100) / 100;
  if (side < 3) throw new Error(`${rows} layers of ${most} heads have no room in it; choose a larger size.`);
  return { left: sizes.PAD + GUTTER, top, side, gap: side > 14 ? 3 : 1, rest };
}

/** Numbers of layers and heads, as many as have room. */
function sides(made, { layers, ...overview }, { left, top, side }) {
  const step = Math.max(1, Math.ceil(APART / side));
  const every = (count) => Array.from({ length: count }, (_, i) => i).filter((i) => i % step === 0);
  return [
    ...every(layers.length).map((row) => element(made, "text", { x: left - 6, y: top + (row + 0.5) * side + 5, "text-anchor": "end" }, String(layers[row]))),
    ...every(mostOf(overview)).map((head) => element(made, "text", { x: left + (head + 0.5) * side, y: top - 5, "text-anchor": "middle" }, String(head))),
  ];
}

function cells(made, overview, place, palette) {
  const atlas = overview.numbers ? null : atlasOf(overview, rampOf(palette[overview.scale]));
  const group = element(made, "g", { class: "heads", "font-family": axes.FONT, "font-size": LETTERS, "text-anchor": "middle" });
  overview.counts.forEach((count, row) => {
    for (let head = 0; head < count; head++) {
      const box = { x: place.left + head * place.side, y: place.top + row * place.side, width: place.side - place.gap, height: place.side - place.gap };
      group.append(...(atlas ? pictured(made, overview, atlas, box, [row, head], palette) : numbered(made, overview, box, row * mostOf(overview) + head, palette)));
    }
  });
  return group;
}

/** A head's picture, a few points a cell, so that readers that smooth pictures have little to smooth. */
function pictured(made, { pictures }, atlas, box, [row, head], palette) {
  const [, , rows, columns] = pictures.shape;
  const canvas = Object.assign(document.createElement("canvas"), { width: columns * POINTS, height: rows * POINTS });
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(atlas, head * columns, row * rows, columns, rows, 0, 0, canvas.width, canvas.height);
  return [element(made, "rect", { ...box, fill: "none", stroke: palette.line }),
    element(made, "image", { ...box, preserveAspectRatio: "none", style: "image-rendering: pixelated", href: canvas.toDataURL("image/png") })];
}

/** A head's number as a colour, in figures where they have room; only a frame where there is none. */
function numbered(made, overview, box, at, palette) {
  const value = overview.numbers[at];
  if (Number.isNaN(value)) return [element(made, "rect", { ...box, fill: "none", stroke: palette.line })];
  const { low, high } = overview.range;
  const rgb = ui.mix(palette[overview.scale], (value - low) / (high - low));
  const ink = ui.inkOn(rgb, palette);
  const [right, size] = [box.x + box.width, Math.max(4, box.width / 5)];
  const corner = overview.marks?.[at] ? [element(made, "path", { class: "mark", d: `M${right - size} ${box.y}h${size}v${size}z`, fill: ink })] : [];
  const said = box.width < WRITTEN ? [] : [element(made, "text", { x: box.x + box.width / 2, y: box.y + box.height / 2 + 5, fill: ink }, figure(overview, value))];
  return [element(made, "rect", { ...box, fill: ui.css(rgb) }), ...corner, ...said];
}

/** The colours from low to high. */
function ramp(made, scale, top) {
  const stops = scale.map(([offset, colour]) => element(made, "stop", { offset, "stop-color": colour }));
  return [element(made, "defs", {}, element(made, "linearGradient", { id: "ramp" }, ...stops)),
    element(made, "rect", { x: sizes.PAD, y: top, width: RAMP, height: BAR, fill: "url(#ramp)" })];
}

/** The numbers at the two ends of the colours. */
function ends(made, overview, y) {
  const { low, high } = overview.range;
  const end = (value) => ui.decimals(value, Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.max(1, overview.digits));
  return [[low, sizes.PAD, "start"], [high, sizes.PAD + RAMP, "end"]].map(([value, x, anchor]) => element(made, "text", { x, y, "text-anchor": anchor }, end(value)));
}
