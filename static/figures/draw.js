/**
 * A panel's picture: its cells, painted from the head in the store, and the axes around them, drawn from layouts that
 * Python made, and only where they changed.
 */
const version = new URL(import.meta.url).search;
const [{ ui }, axes, { stageOf }, { cross, paint }, { leftOut }, { drawMargins }, { onMap }, sizes, { draw }] = await Promise.all(
  ["../headlight", "../axes", "../cells", "../paint", "../spans", "./margins", "./panel", "./sizes", "./axes"].map((name) => import(`${name}.js${version}`)));

/** Put everything where the map is, and paint the cells. */
export function drawCells({ palette, shown }, panel) {
  const { name, view, size, cells } = panel;
  panel.stage.style.height = `${size.top + size.height + axes.BELOW + size.below}px`;
  onMap(size, panel.cover, cells);
  const hatch = name === "weights" || (name === "scores" && stageOf(shown.head, shown.look.stage) === "masked");
  const { width, height } = size;
  paint(ui, cells, view.z, { width, height, scale: palette[view.scale], zmin: view.zmin, zmax: view.zmax, hatch });
  if (name === "weights") cross(cells, view.z, leftOut(view, shown), palette.muted);
  cells.cells = view;
  drawMargins(panel, palette);
}

/** Draw the axes of all panels. */
export function drawAxes(state) {
  for (const panel of state.panels.values()) if (panel.view) drawAxis(state, panel);
}

function drawAxis(state, panel) {
  const layout = panel.name === "values" ? numbersLayout(state, panel) : tokensLayout(state, panel);
  const key = JSON.stringify(layout);
  if (panel.axes === key) return;
  panel.axes = key;
  draw(panel.plot, layout);
}

function tokensLayout(state, panel) {
  const frame = state.given.frames.tokens;
  const names = sizes.columnNames(state, panel);
  return {
    ...layoutOf(state, panel, frame), annotations: [],
    xaxis: { ...frame.yaxis, ...frame.xaxis, ...axes.columnTicks(names, panel.size.width, panel.view.sink), range: [-0.5, names.length - 0.5], side: "top" },
  };
}

/** Of the dimensions the first and the last are named. */
function numbersLayout(state, panel) {
  const { frames, across, dimension } = state.given;
  const last = panel.view.count - 1;
  return {
    ...layoutOf(state, panel, frames.numbers), annotations: [{ ...across, text: dimension[panel.what] }],
    xaxis: { ...frames.numbers.yaxis, tickvals: [0, last], ticktext: ["0", String(last)], range: [-0.5, last + 0.5], side: "top", tickangle: 0 },
  };
}

/** What both have: the queries down, and the borders between two texts. */
function layoutOf(state, { size, view }, frame) {
  const names = sizes.rowNames({ shown: state.shown }, { view });
  const pins = state.pins.map((pin) => pin - view.top);
  return {
    ...axes.sized({ ...frame, shapes: frame.shapes.map((shape) => moved(shape, view)) }, size, state.palette), images: [],
    yaxis: { ...frame.yaxis, ...axes.rowAxis(names, size, pins), range: [names.length - 0.5, -0.5] },
  };
}

/** A border between two texts, moved to where the part that is shown has it. */
function moved(shape, { top, left }) {
  return shape.yref === "y" ? { ...shape, y0: shape.y0 - top, y1: shape.y1 - top } : { ...shape, x0: shape.x0 - left, x1: shape.x1 - left };
}
