/** The figure on screen as a file: an SVG document, and a PNG of it with exactly the points that were asked for. */
const version = new URL(import.meta.url).search;
const names = ["../headlight", "../look", "../axes", "../cells", "../spans", "../alt", "./figure", "./sentence", "./sizes", "./vector", "./words"];
const [{ ui }, { pinsOf }, axes, { cellsOf: numbersOf, stageOf }, spans, { alts }, { figureOf, pinsIn, THIN }, sentences, sizes, vector, words] = await Promise.all(
  names.map((name) => import(`${name}.js${version}`)));
const [{ withDensity }, { typefaceFor }] = await Promise.all(["./density", "./typeface"].map((name) => import(`${name}.js${version}`)));

export const PANELS = { scores: "Scores", weights: "Weights", values: "Weighted values" };
const POOLED = "each cell is the extreme of several";
const [HEAD_LINE, BETWEEN] = [20, 6];

/** The panels of what is shown, each with what it says: [{name, title, view, hatch, words}]. */
export function panelsOf(given, shown, which) {
  const brought = broughtTo(given, shown);
  return which.map((name) => {
    const view = spans.view(numbersOf(name, shown, brought), name, shown);
    const stage = stageOf(shown.head, shown.look.stage);
    const hatch = name === "weights" || (name === "scores" && stage === "masked");
    return { name, title: PANELS[name], view: view.z ? view : null, hatch, words: wordsOf(given, shown, name, view, stage) };
  });
}

/** What only the server can make of this head; a file brings all heads' at once. */
function broughtTo({ brought }, { run, look }) {
  return [brought ?? []].flat().find((own) => own.run === run.id && own.layer === look.layer && own.head === look.head) ?? null;
}

/** What stands below a panel: which step it shows, what its numbers are, and what else has to be said. */
function wordsOf({ labels, captions }, { look, head }, name, view, stage) {
  if (view.awaited) return "These numbers are still on their way: wait a moment and try again.";
  if (!view.z) return view.reason;
  const key = { scores: stage, weights: look.weights, values: look.values }[name];
  const label = (name === "scores" ? labels.stage : labels[name])[key] ?? key;
  const missing = name === "weights" && key === "weights" && head.altered && look.hide.length && look.rest === "left";
  const caption = missing ? "share of each value" : captions[name === "scores" ? "scores" : key];
  const crossed = name === "weights" && head.altered && look.hide.length ? "crossed out: left out" : "";
  const own = key === "contribution" && head.altered ? "the model’s own, without the changes" : "";
  return [`${label.replace("_O", "ₒ")}: ${caption}`, crossed, own, view.note, view.pooled ? POOLED : ""].filter(Boolean).join("; ");
}

/**
 * {svg, width, height, alt, paper, mm}: the text of an SVG document, its size in points, what it shows in words, the colour
 * behind it, and its width on paper. asked: {which
 * panels, stacked, size: one of SIZES (in a slide nothing has room below
 * another), palette, paper, sentence: whether the pinned row is written as one;
 * title, legend, pin: whether there is a line with the name, colours and captions, an outline of the pinned row}. What was
 * changed in the numbers is always said.
 */
export async function drawing(given, shown, { which, stacked, size, palette, paper, sentence, title = true, legend = true, pin = true }) {
  const pinned = pinsOf(shown.look);
  const pins = pin ? pinned : [];
  const panels = panelsOf(given, shown, which).map((panel) => (legend || !panel.view ? panel : { ...panel, words: "", bare: true }));
  const units = sizes.unitsOf(size);
  const row = sentence ? sentences.sentenceOf(shown, pinned, units.width) : null;
  const { head, top, rowTop } = headOf(given, shown, row, units.width, title);
  units.height = sizes.place(shown, panels, units, top, stacked && !size.px[1]);
  const Plotly = await axes.plotly();
  const figure = figureOf(given, { shown, panels, pins, palette, paper }, units, head);
  const text = await Plotly.toImage({ ...figure, config: axes.CONFIG }, { format: "svg", ...units, imageDataOnly: true });
  const made = new DOMParser().parseFromString(text, "image/svg+xml");
  replaceCells(made, panels, shown, palette, size.scale);
  const thin = panels.filter((panel) => panel.view).flatMap((panel) => pinsIn(panel, pins).filter(({ high }) => high < THIN).map((one) => [panel.place, one]));
  made.documentElement.append(...thin.map(([place, pinnedRow]) => vector.wedges(made, place, pinnedRow, palette.ink)));
  if (row) made.documentElement.append(sentences.drawn(made, row, rowTop, palette, axes.FONT));
  return finished(made, { title: words.titleOf(given.about, shown), alt: altOf(shown, given, pinned, which), units, size, paper });
}

/** The lines above the maps, where the sentence begins, and where the maps do. */
function headOf(given, shown, row, width, title) {
  const changed = words.changesOf(shown);
  const name = title ? sizes.wrapped(words.titleOf(given.about, shown), width - 2 * sizes.PAD, true, 15) : [];
  const texts = [...name.map((text) => ({ text, bold: true })),
    ...(changed ? sizes.wrapped(changed, width - 2 * sizes.PAD) : []).map((text) => ({ text, bold: false })),
    ...(row ? [{ text: row.title, bold: false }] : [])];
  const head = texts.map((line, i) => ({ ...line, top: sizes.PAD + i * HEAD_LINE }));
  const rowTop = sizes.PAD + head.length * HEAD_LINE;
  return { head, rowTop, top: rowTop + (row ? sentences.heightOf(row) : 0) + BETWEEN };
}

/** plotly's pictures of the cells give way to drawn ones. */
function replaceCells(made, panels, shown, palette, scale) {
  const drawn = panels.filter((panel) => panel.view);
  const layers = [...made.querySelectorAll(".heatmaplayer")].filter((layer) => layer.querySelector("image"));
  layers.forEach((layer, i) => {
    const { width, height } = drawn[i].place;
    layer.replaceChildren(vector.cellsOf(made, { ...drawn[i], width, height }, shown, palette, [Math.floor(height * scale), Math.floor(width * scale)]));
  });
}

/** Each panel in words. */
function altOf(shown, given, pins, which) {
  const said = alts(ui, shown, pins[0], broughtTo(given, shown), stageOf(shown.head, shown.look.stage));
  return which.map((name) => said[name]).join(" ");
}

/** What `drawing` gives of a document: with its size in millimetres or points, a name, a description and its typeface. */
export async function finished(made, { title, alt, units, size: { px, mm }, paper }) {
  const svg = made.documentElement;
  const [width, height] = [px[0], px[1] ?? Math.round(units.height * (px[0] / units.width))];
  const sides = mm ? [`${mm}mm`, `${Number(((mm * height) / width).toFixed(3))}mm`] : [width, height];
  const attributes = { width: sides[0], height: sides[1], viewBox: `0 0 ${units.width} ${units.height}`, role: "img", "aria-labelledby": "title desc" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  svg.style?.removeProperty("background");
  svg.prepend(vector.element(made, "title", { id: "title" }, title), vector.element(made, "desc", { id: "desc" }, alt));
  svg.prepend(vector.element(made, "style", {}, await typefaceFor(svg.textContent)));
  return { svg: new XMLSerializer().serializeToString(made), width, height, alt, paper, mm };
}

export const svgBlob = ({ svg }) => new Blob([svg], { type: "image/svg+xml" });

/** A PNG of a drawing. */
export async function pngBlob(made) {
  const url = URL.createObjectURL(svgBlob(made));
  try {
    const picture = new Image(made.width, made.height);
    picture.src = url;
    await picture.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: made.width, height: made.height });
    const pen = canvas.getContext("2d");
    // A drawing's sides are not always whole points: what it leaves at its edges is paper.
    pen.fillStyle = made.paper;
    pen.fillRect(0, 0, made.width, made.height);
    pen.drawImage(picture, 0, 0, made.width, made.height);
    // Chromium encodes in the quiet time after a frame, and waits a second for one where the page draws none.
    requestAnimationFrame(() => {});
    const blob = await new Promise((resolve, reject) => {
      canvas.toBlob((done) => (done ? resolve(done) : reject(new Error("this browser could not make a PNG of that size"))), "image/png");
    });
    return made.mm ? await withDensity(blob, made.width / (made.mm / 1000)) : blob;
  } finally {
    URL.revokeObjectURL(url);
  }
}
