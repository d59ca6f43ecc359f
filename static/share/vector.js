/**
 * Cells as a drawing in place of plotly's picture of them: rectangles while they are large, and beyond that one picture
 * whose points are cells, so that neither blurs at any size. Masked cells are hatched, columns that are left out crossed.
 */
const version = new URL(import.meta.url).search;
const [{ ui }, { image }, { leftOut, patches }] = await Promise.all(
  ["../headlight", "../paint", "../spans"].map((name) => import(`${name}.js${version}`)));

export const SVG = "http://www.w3.org/2000/svg";
const RECTANGLES_UP_TO = 48;
const HATCH = "#8a857b";
const STEP = 7;
// Points along the longer side of a picture of many cells, so that readers that smooth pictures have little to smooth.
const POINTS = 1200;

/** An SVG element; what is text stays text. */
export function element(document, name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

const short = (value) => Number(value.toFixed(2));

/** The cells of one panel of {width, height}, its top left corner at 0, 0; `most` is how many points it has down and across. */
export function cellsOf(document, { width, height, ...panel }, shown, palette, most) {
  Object.assign(panel, { place: { left: 0, top: 0, width, height } });
  const view = pooledTo(panel.view, most);
  const [rows, columns] = view.z.shape;
  const large = Math.max(rows, columns) <= RECTANGLES_UP_TO;
  const group = element(document, "g", { class: `cells ${panel.name}` });
  group.append(...(panel.hatch ? hatching(document, view, panel, large) : []));
  group.append(large ? rectangles(document, view, panel.place, palette) : picture(document, view, panel.place, palette));
  if (panel.name === "weights") group.append(...crossings(document, view, panel, leftOut(panel.view, shown), palette));
  return group;
}

/** Of more cells than there are points: the extreme of each few, as on screen. */
function pooledTo(view, [down, across]) {
  const [rows, columns] = view.z.shape;
  const small = patches(view.z, Math.min(rows, Math.max(1, down)), Math.min(columns, Math.max(1, across)));
  return { ...view, z: small.z };
}

/** Where a cell stands, {x, y, width, height}. */
function boxOf({ z: { shape: [rows, columns] } }, { left, top, width, height }, row, column) {
  return { x: left + (column * width) / columns, y: top + (row * height) / rows, width: width / columns, height: height / rows };
}

/** One rectangle a cell that has a number, with a thin gap between. */
function rectangles(document, view, place, palette) {
  const group = element(document, "g", { "shape-rendering": "crispEdges" });
  const { z, zmin, zmax, scale } = view;
  const columns = z.shape[1];
  z.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    const box = boxOf(view, place, Math.floor(i / columns), i % columns);
    const [r, g, b] = ui.mix(palette[scale], (value - zmin) / (zmax - zmin || 1));
    const gap = Math.min(1, 0.08 * Math.min(box.width, box.height));
    group.append(element(document, "rect", {
      x: short(box.x + gap / 2), y: short(box.y + gap / 2), width: short(box.width - gap), height: short(box.height - gap), fill: `rgb(${r},${g},${b})`,
    }));
  });
  return group;
}

/** A picture of a few points a cell, all of one colour. */
function picture(document, { z, zmin, zmax, scale }, { left, top, width, height }, palette) {
  const [rows, columns] = z.shape;
  const canvas = (wide, high) => Object.assign(globalThis.document.createElement("canvas"), { width: wide, height: high });
  const small = canvas(columns, rows);
  small.getContext("2d").putImageData(image(ui, z, palette[scale], zmin, zmax), 0, 0);
  const times = Math.max(1, Math.floor(POINTS / Math.max(rows, columns)));
  const large = canvas(columns * times, rows * times);
  const pen = large.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, large.width, large.height);
  return element(document, "image", {
    x: left, y: top, width, height, preserveAspectRatio: "none", style: "image-rendering: pixelated", href: large.toDataURL("image/png"),
  });
}

/** One stroke in each masked cell; where cells are small a pattern below them all, which shows through where none is drawn. */
function hatching(document, view, panel, large) {
  if (!view.z.some(Number.isNaN)) return [];
  const { place } = panel;
  if (!large) return patterned(document, `hatch-${panel.name}`, [place], `M1.5 ${STEP - 1.5}L${STEP - 1.5} 1.5`, HATCH);
  const columns = view.z.shape[1];
  const strokes = [];
  view.z.forEach((value, i) => {
    if (!Number.isNaN(value)) return;
    const { x, y, width, height } = boxOf(view, place, Math.floor(i / columns), i % columns);
    const reach = 0.22 * Math.min(width, height);
    strokes.push(`M${short(x + width / 2 - reach)} ${short(y + height / 2 + reach)}l${short(2 * reach)} ${short(-2 * reach)}`);
  });
  return [element(document, "path", { class: "hatch", d: strokes.join(""), stroke: HATCH, "stroke-width": 0.8, fill: "none" })];
}

/** Rectangles {left, top, width, height} filled with a pattern of its own. */
function patterned(document, id, places, stroke, colour) {
  const path = element(document, "path", { d: stroke, stroke: colour, "stroke-width": 0.8, fill: "none" });
  const pattern = element(document, "pattern", { id, width: STEP, height: STEP, patternUnits: "userSpaceOnUse" }, path);
  const rects = places.map(({ left, top, width, height }) => element(document, "rect", { x: short(left), y: short(top), width: short(width), height: short(height), fill: `url(#${id})` }));
  return [element(document, "defs", {}, pattern), ...rects];
}

/** Lines both ways over the cells of those columns that have a number. `shares` are [start, size] of the width. */
function crossings(document, view, { name, place }, shares, palette) {
  const { z } = view;
  const [rows, columns] = z.shape;
  const places = shares.flatMap(([start, size]) => {
    const column = Math.min(columns - 1, Math.floor((start + size / 2) * columns));
    return runs(rows, (row) => !Number.isNaN(z[row * columns + column])).map(([first, last]) => ({
      left: place.left + start * place.width, width: size * place.width,
      top: place.top + (first * place.height) / rows, height: ((last - first + 1) * place.height) / rows,
    }));
  });
  if (!places.length) return [];
  return patterned(document, `cross-${name}`, places, `M0 0L${STEP} ${STEP}M0 ${STEP}L${STEP} 0`, palette.muted);
}

/** A wedge at each side of a thin row, {top, high}. */
export function wedges(document, { left, width }, { top, high }, ink) {
  const [y, reach] = [top + high / 2, 4];
  const points = [[left - 1, -7], [left + width + 1, 7]].map(([x, by]) => `M${short(x)} ${short(y)}l${by} ${-reach}v${2 * reach}z`);
  return element(document, "path", { class: "pin", d: points.join(""), fill: ink });
}

/** [first, last] of each run of places that hold. */
function runs(count, holds) {
  const found = [];
  for (let i = 0; i < count; i++) {
    if (!holds(i)) continue;
    if (found.length && found.at(-1)[1] === i - 1) found.at(-1)[1] = i;
    else found.push([i, i]);
  }
  return found;
}
