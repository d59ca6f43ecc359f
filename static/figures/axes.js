/**
 * The axes of a map, drawn from the very layout that plotly draws them from in a saved picture, and where it draws them.
 * Labels, a few dotted lines and a caption need no library of 1.5 MB before a visitor sees the first head.
 */
const SVG = "http://www.w3.org/2000/svg";
// From the end of a tick to its label, upright and slanted, and from a line's middle to its foot, as plotly has them.
const PAD = 3;
const [UPRIGHT, SLANTED] = [6.5, 12.5];
const MIDDLE = 0.35;

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text) made.textContent = text;
  return made;
}

/** {words, bold} of a label in which `static/axes.js` escaped what a person typed, and made a pinned one bold. */
function plain(text) {
  const bold = /^<b>(.*)<\/b>$/s.exec(text);
  const words = (bold ? bold[1] : text).replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  return { words, bold: Boolean(bold) };
}

/** Draw a layout's axes into an element, in the place of those that were there; the element keeps the layout. */
export function draw(target, layout) {
  const { width, height, margin, font } = layout;
  const box = { left: margin.l, top: margin.t, width: width - margin.l - margin.r, height: height - margin.t - margin.b };
  const across = (x) => box.left + (box.width * (x - layout.xaxis.range[0])) / (layout.xaxis.range[1] - layout.xaxis.range[0]);
  // An axis begins at the foot; that of the rows is turned round by its range, so row 0 is on top.
  const down = (y) => box.top + (box.height * (layout.yaxis.range[1] - y)) / (layout.yaxis.range[1] - layout.yaxis.range[0]);
  const svg = element("svg", { class: "main-svg", width, height, "aria-hidden": "true", fill: font.color, "font-family": font.family, "font-size": font.size });
  svg.style.display = "block";
  svg.append(...rows(layout.yaxis, box, down), ...columns(layout.xaxis, box, across));
  svg.append(...(layout.shapes ?? []).map((shape) => line(shape, box, across, down)));
  svg.append(...(layout.annotations ?? []).map((note) => caption(note, box)));
  target.replaceChildren(svg);
  target.layout = layout;
}

function label(text, attributes) {
  const { words, bold } = plain(text);
  return element("text", { ...attributes, ...(bold ? { "font-weight": 700 } : {}) }, words);
}

function rows(axis, { left }, down) {
  if (axis.showticklabels === false) return [];
  return axis.tickvals.map((at, i) => label(axis.ticktext[i], { x: left - axis.ticklen - PAD, y: down(at), dy: `${MIDDLE}em`, "text-anchor": "end" }));
}

/** Slanted names start above their column and rise to the right; numbers stand upright. */
function columns(axis, { top }, across) {
  const foot = top - axis.ticklen - (axis.tickangle ? SLANTED : UPRIGHT);
  return axis.tickvals.map((at, i) => {
    if (!axis.tickangle) return label(axis.ticktext[i], { x: across(at), y: foot, "text-anchor": "middle" });
    return label(axis.ticktext[i], { transform: `translate(${across(at) + 1.5} ${foot}) rotate(${axis.tickangle})`, dy: `${MIDDLE}em` });
  });
}

/** A dotted border between two texts. */
function line({ xref, yref, x0, x1, y0, y1, line: { color, width } }, box, across, down) {
  const x = (at) => (xref.endsWith("domain") ? box.left + at * box.width : across(at));
  const y = (at) => (yref.endsWith("domain") ? box.top + (1 - at) * box.height : down(at));
  return element("path", { d: `M${x(x0)} ${y(y0)}L${x(x1)} ${y(y1)}`, stroke: color, "stroke-width": width, "stroke-dasharray": `${width} ${2 * width}`, fill: "none" });
}

/** What stands between the two ends of the axis on top. */
function caption({ text, x, font, yshift }, { left, top, width }) {
  return element("text", { x: left + x * width, y: top - yshift - 7, "font-size": font.size, "text-anchor": "middle" }, text);
}

