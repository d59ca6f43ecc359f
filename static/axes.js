/**
 * Axes of maps of tokens: how wide labels are, which of them have room, and the layout around a map.
 * Names are as a person reads them; what goes to plotly is escaped.
 */

// Pixels below a map, within its picture.
export const BELOW = 4;
const TICK = 9;
export const LABEL = 15;
export const FONT = '"Source Sans 3", sans-serif';
export const CONFIG = { staticPlot: true, displayModeBar: false, responsive: false };
const LABEL_CHARS = 14;
const LABEL_WIDEST = 116;
const SLANT = (55 * Math.PI) / 180;

const pen = document.createElement("canvas").getContext("2d");

/** plotly, which draws averages and saved pictures; loaded from the app's own files when it is first asked for. */
export function plotly() {
  globalThis.headlightPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("plotly-cartesian.min.js", import.meta.url).href;
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("plotly could not be loaded from this app's own static files"));
    document.head.append(script);
  });
  return globalThis.headlightPlotly;
}

// Labels

/** Pixels that a label takes. */
export function widthOf(text, bold = false, size = 14) {
  pen.font = `${bold ? 700 : 400} ${size}px ${FONT}`;
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

/** Names of the columns, as many as there is room for in `width`; the last one always where it is a sink's. */
export function columnTicks(names, width, sink = false) {
  const step = Math.max(1, Math.ceil((LABEL * names.length) / width));
  const last = names.length - 1;
  const fits = (i) => i % step === 0 && (!sink || last - i >= step);
  const places = names.map((_, i) => i).filter((i) => fits(i) || (sink && i === last));
  return { tickvals: places, ticktext: places.map((i) => escaped(brief(names[i]))) };
}

// Layouts

/** A layout around a map of that size, in the theme's colours. */
export function sized(layout, { width, height, left, right, top }, palette) {
  return {
    ...layout, width: left + width + right, height: height + top + BELOW, autosize: false,
    margin: { l: left, r: right, t: top, b: BELOW }, font: { ...layout.font, color: palette.muted, family: FONT, size: 14 },
    shapes: layout.shapes?.map((shape) => ({ ...shape, line: { ...shape.line, color: palette.ink } })) ?? [],
  };
}

/** The names of the rows beside a map of that size; those of its neighbour stand for a map that is not labelled. */
export function rowAxis(names, { height, thin, labelled }, pins) {
  return { ...rowTicks(names, height, pins), ticklen: thin ? TICK : 5, showticklabels: labelled };
}
