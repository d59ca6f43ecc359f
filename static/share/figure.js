/**
 * The figure on screen as one plotly figure, with its cells: a heatmap, its axes and its colours a panel, the title, and
 * what each panel says. All text is escaped, for plotly reads tags.
 */
const version = new URL(import.meta.url).search;
const [axes, sizes, above, { columnNames, rowNames }] = await Promise.all(
  ["../axes", "./sizes", "./above", "../figures/sizes"].map((name) => import(`${name}.js${version}`)));

const GAPS_UP_TO = 48;
const [LETTERS, HEADING] = [14, 15];
const [BAR, LONGEST] = [8, 160];
// Room that the two numbers of an axis of dimensions leave for what it counts.
const ENDS = 60;
// From a map to the names above it.
const NEAR = 1;
// Rows that an outline would hide.
export const THIN = 8;

/**
 * {data, layout}. given: {frames, across, dimension} of the server. parts: {shown, panels with their `place`, pins,
 * palette, paper}. size: {width, height} in units. head: [{text, bold, top}], the lines above the maps.
 */
export function figureOf(given, { shown, panels, pins, palette, paper }, { width, height }, head) {
  const layout = {
    width, height, autosize: false, margin: { l: 0, r: 0, t: 0, b: 0, pad: 0 }, paper_bgcolor: paper, plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: palette.muted, family: axes.FONT, size: LETTERS }, showlegend: false,
    annotations: head.map(({ text, bold, top }) => words(text, sizes.PAD, top, { width, height }, { bold, palette })), shapes: [],
  };
  const data = [];
  panels.forEach((panel, i) => {
    layout.annotations.push(...around(panel, { width, height }, palette));
    if (!panel.view) return;
    const number = i ? String(i + 1) : "";
    Object.assign(layout, axesOf(given, shown, panel, number, pins, { width, height }));
    layout.shapes.push(...shapesOf(given, panel, number, pins, palette));
    if (panel.name === "values") layout.annotations.push(...counted(given, shown, panel, number));
    data.push(traceOf(shown, panel, number, { width, height }, palette));
  });
  return { data, layout };
}

/** One line of text with its top left corner there. */
function words(text, left, top, { width, height }, { bold = false, palette, size = bold ? HEADING : LETTERS }) {
  const escaped = axes.escaped(text);
  return {
    text: bold ? `<b>${escaped}</b>` : escaped, xref: "paper", yref: "paper", x: left / width, y: 1 - top / height, xanchor: "left", yanchor: "top",
    showarrow: false, borderpad: 0, align: "left", font: { size, color: bold ? palette.ink : palette.muted },
  };
}

/** A panel's title, and below its colours what it says; or in place of the map why there is none. */
function around({ title, view, place }, size, palette) {
  const top = place.top - place.names - sizes.TITLE;
  const below = view ? place.top + place.height + sizes.COLOURS : place.top;
  return [words(title, place.left, top, size, { bold: true, palette }),
    ...place.lines.map((line, i) => words(line, place.left, below + i * sizes.LINE, size, { palette }))];
}

function axesOf({ frames }, shown, { name, view, place }, number, pins, { width, height }) {
  const [across, down] = [[place.left / width, (place.left + place.width) / width], [1 - (place.top + place.height) / height, 1 - place.top / height]];
  const rows = rowNames({ shown }, { view });
  const y = { ...frames.tokens.yaxis, ...axes.rowAxis(rows, { ...place, thin: false }, pins.map((pin) => pin - view.top)), range: [rows.length - 0.5, -0.5] };
  const x = name === "values" ? numbersAxis(frames, view) : tokensAxis(frames, columnNames({ shown }, { name, view }), view, place.width);
  return {
    [`xaxis${number}`]: { tickfont: { size: LETTERS }, ...x, side: "top", domain: across, anchor: `y${number}`, ticklen: NEAR },
    [`yaxis${number}`]: { ...y, domain: down, anchor: `x${number}`, tickfont: { size: LETTERS } },
  };
}

const tokensAxis = ({ tokens }, names, { sink }, width) => ({ ...tokens.yaxis, ...tokens.xaxis, ...above.ticks(names, width, sink), range: [-0.5, names.length - 0.5] });

const numbersAxis = ({ numbers }, { count }) => ({
  ...numbers.yaxis, tickvals: [0, count - 1], ticktext: ["0", String(count - 1)], range: [-0.5, count - 0.5], tickangle: 0,
});

/** What the axis of dimensions counts, where there is room between its two numbers. */
function counted({ across, dimension }, { look }, { place }, number) {
  const text = dimension[look.values];
  if (axes.widthOf(text) + ENDS > place.width) return [];
  return [{ ...across, text, xref: `x${number} domain`, yref: `y${number} domain`, font: { size: LETTERS } }];
}

/** {pin, top, high} of the pinned rows that are in sight, in units. */
export function pinsIn({ view, place }, pins) {
  const high = place.height / (view.bottom - view.top + 1);
  const inside = pins.filter((pin) => pin >= view.top && pin <= view.bottom);
  return inside.map((pin) => ({ pin, top: place.top + (pin - view.top) * high, high }));
}

/** Borders between two texts, and the pinned rows; thin ones have wedges instead, which leave them in sight. */
function shapesOf({ frames }, { name, view, place }, number, pins, palette) {
  const own = (ref) => ref.replace(/^([xy])/, `$1${number}`);
  const borders = (name === "values" ? frames.numbers : frames.tokens).shapes.map((shape) => ({
    ...shape, xref: own(shape.xref), yref: own(shape.yref), line: { ...shape.line, color: palette.ink },
    ...(shape.yref === "y" ? { y0: shape.y0 - view.top, y1: shape.y1 - view.top } : { x0: shape.x0 - view.left, x1: shape.x1 - view.left }),
  }));
  const rows = pinsIn({ view, place }, pins).filter(({ high }) => high >= THIN).map(({ pin }) => ({
    type: "rect", xref: `x${number} domain`, x0: 0, x1: 1, yref: `y${number}`, y0: pin - view.top - 0.5, y1: pin - view.top + 0.5,
    line: { color: palette.ink, width: 2 }, fillcolor: "rgba(0,0,0,0)",
  }));
  return [...borders, ...rows];
}

/** The cells with their colours; of pooled maps each cell spans several tokens. */
function traceOf(shown, { name, view, place, bare }, number, { width, height }, palette) {
  const { z, zmin, zmax, scale } = view;
  const [rows, columns] = z.shape;
  const gap = Math.max(rows, columns) <= GAPS_UP_TO ? 1 : 0;
  const [high, wide] = [view.bottom - view.top + 1, name === "values" ? view.count : columnNames({ shown }, { name, view }).length];
  const [dy, dx] = [high / rows, wide / columns];
  const numbers = ends(zmin, zmax);
  // The numbers stand below the ends of the colours, and nothing of them beside the map.
  const [before, after] = [numbers[0], numbers.at(-1)].map((text) => axes.widthOf(text) / 2);
  return {
    type: "heatmap", z: Array.from({ length: rows }, (_, row) => z.subarray(row * columns, (row + 1) * columns)), zmin, zmax,
    x0: dx / 2 - 0.5, dx, y0: dy / 2 - 0.5, dy, xgap: gap, ygap: gap, zsmooth: false, hoverinfo: "skip", meta: { scale },
    colorscale: palette[scale], showscale: !bare, xaxis: `x${number}`, yaxis: `y${number}`,
    colorbar: {
      orientation: "h", thickness: BAR, lenmode: "pixels", len: Math.min(place.width, LONGEST) - before - after, xpad: 0, ypad: 0, xanchor: "left", yanchor: "top",
      x: (place.left + before) / width, y: 1 - (place.top + place.height + 8) / height, outlinewidth: 0, ticks: "", ticklabelposition: "outside",
      tickmode: "array", tickvals: zmin < 0 ? [zmin, 0, zmax] : [zmin, zmax], ticktext: numbers, tickfont: { size: LETTERS, color: palette.muted },
    },
  };
}

/** The numbers at the ends of the colours, and 0 between them. */
function ends(zmin, zmax) {
  const short = (value) => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)))).replace("-", "−");
  return zmin < 0 ? [short(zmin), "0", short(zmax)] : [short(zmin), short(zmax)];
}
