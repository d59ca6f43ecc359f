/**
 * Maps of tokens as plotly draws them: how wide labels are and which of them have room, colours with their ends, which
 * cell is under the pointer and where a mark lies. Names are as a person reads them; what goes to plotly is escaped.
 */

export const TICK = 9;
export const LABEL = 15;
export const FONT = '"Source Sans 3", sans-serif';
export const CONFIG = { staticPlot: true, displayModeBar: false, responsive: false };
const LABEL_CHARS = 14;
const LABEL_WIDEST = 116;
const SLANT = (55 * Math.PI) / 180;
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -Infinity], End: [0, Infinity] };

const pen = document.createElement("canvas").getContext("2d");

/** plotly, loaded once a page from the app's own files under that address. */
export function plotly(folder) {
  globalThis.headlightPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${folder}/plotly-cartesian.min.js`;
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("plotly could not be loaded from this app's own static files"));
    document.head.append(script);
  });
  return globalThis.headlightPlotly;
}

// Labels

/** Pixels that a label takes. */
export function widthOf(text, bold = false) {
  pen.font = `${bold ? 700 : 400} 14px ${FONT}`;
  return pen.measureText(text).width;
}

/** A token's name, cut where it would be too long for a label. */
export function brief(name) {
  const letters = [...name];
  const fits = (count) => count <= LABEL_CHARS && widthOf(letters.slice(0, count).join(""), true) <= LABEL_WIDEST;
  if (fits(letters.length)) return name;
  let count = Math.min(letters.length, LABEL_CHARS) - 1;
  while (count > 1 && !fits(count + 1)) count -= 1;
  return `${letters.slice(0, count).join("")}…`;
}

/** Text as plotly shows it literally, for plotly reads tags in labels. */
export function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** Pixels left of a map that its rows' names need. */
export function leftOf(names) {
  return Math.ceil(Math.max(...names.map((name) => widthOf(brief(name), true)), 8)) + TICK + 6;
}

/** Pixels above a map that its columns' slanted names need. */
export function topOf(names) {
  return Math.ceil(Math.max(...names.map((name) => widthOf(brief(name))), 8) * Math.sin(SLANT)) + TICK + 12;
}

/** Pixels right of a map that the last slanted name reaches. */
export function overhang(names) {
  return Math.max(2, Math.ceil(widthOf(brief(names.at(-1) ?? "")) * Math.cos(SLANT) - 4));
}

/** Names of the rows, as many as there is room for in `height`; the pinned ones (one, or a list) always, in bold. */
export function rowTicks(names, height, pin) {
  const pins = [pin ?? []].flat();
  const step = Math.max(1, Math.ceil((LABEL * names.length) / height));
  const free = (i) => i % step === 0 && pins.every((one) => Math.abs(i - one) >= step);
  const places = names.map((_, i) => i).filter((i) => pins.includes(i) || free(i));
  const text = (i) => escaped(brief(names[i]));
  return { tickvals: places, ticktext: places.map((i) => (pins.includes(i) ? `<b>${text(i)}</b>` : text(i))) };
}

/** Names of the columns, as many as there is room for in `width`. */
export function columnTicks(names, width) {
  const step = Math.max(1, Math.ceil((LABEL * names.length) / width));
  const places = names.map((_, i) => i).filter((i) => i % step === 0);
  return { tickvals: places, ticktext: places.map((i) => escaped(brief(names[i]))) };
}

// Cells

/** {row, column} under the pointer, or null. `shape` is [rows, columns] of the map that `cover` lies upon. */
export function cellAt(cover, [rows, columns], event) {
  const box = cover.getBoundingClientRect();
  const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
  const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
}

/** Where a key leads from a cell, maybe out of the map; null for a key that leads nowhere. */
export function stepTo(at, key) {
  const by = STEPS[key];
  return by ? { row: at.row + by[0], column: at.column + by[1] } : null;
}

/** The nearest cell of the map. */
export function within([rows, columns], { row, column }) {
  const between = (place, count) => Math.max(0, Math.min(count - 1, place));
  return { row: between(row, rows), column: between(column, columns) };
}

/** Lay a mark over one row, one column (null is all of them) or one cell. */
export function place(mark, [rows, columns], row, column) {
  Object.assign(mark.style, {
    display: "block",
    top: row === null ? "0" : `${(100 * row) / rows}%`, height: row === null ? "100%" : `${100 / rows}%`,
    left: column === null ? "0" : `${(100 * column) / columns}%`, width: column === null ? "100%" : `${100 / columns}%`,
  });
}
