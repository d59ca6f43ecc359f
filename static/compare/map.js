/** The picture of a difference: its size, cells with what has no partner struck out, and axes with both texts' tokens. */
const version = new URL(import.meta.url).search;
const [{ ui }, axes, { paint, penOf }, { onMap, ramp }, sizes, { draw }, { patches, whole }, { symmetric }, { isPaired }] = await Promise.all(
  ["../headlight", "../axes", "../paint", "../figures/panel", "../figures/sizes", "../figures/axes", "../spans", "../cells", "./steps"].map((name) => import(`${name}.js${version}`)));

const WIDEST = 620;
const LEAST = 24;
// No map is finer than so many cells a side; more would be less than a pixel each.
const MOST = 384;
const STROKES = 6;

/** The view of a difference (`spans.js`), at most as fine as the screen, with the range of its colours. */
export function viewOf(z) {
  const small = patches(z, Math.min(MOST, z.shape[0]), Math.min(MOST, z.shape[1]));
  return { ...whole(z), ...small, ...symmetric(z) };
}

/** Lay a panel's picture out in the width that there is, and paint it. rows, columns: names; steps: {queries, keys}. */
export function drawMap(state, panel, { rows, columns, pins }) {
  const { palette, frame, steps } = state;
  const [left, right, top] = [axes.leftOf(rows), axes.overhang(columns), axes.topOf(columns)];
  const width = Math.max(LEAST, Math.min(WIDEST, panel.root.clientWidth - left - right));
  panel.size = { left, right, top, width, ...sizes.heightOf(rows.length, width), labelled: true, below: 0 };
  const { height } = panel.size;
  panel.stage.style.height = `${top + height + axes.BELOW}px`;
  onMap(panel.size, panel.cover, panel.cells, panel.struck);
  const { z, zmin, zmax } = panel.view;
  paint(ui, panel.cells, z, { width, height, scale: palette.scores, zmin, zmax, hatch: true });
  strike(panel, steps, palette);
  panel.cells.cells = panel.view;
  panel.legend.replaceChildren(...ramp(palette.scores, ui.number(zmin, 3), ui.number(zmax, 3)));
  const layout = {
    ...axes.sized({ ...frame, shapes: [] }, panel.size, palette), images: [], annotations: [],
    yaxis: { ...frame.yaxis, ...axes.rowAxis(rows, panel.size, pins), range: [rows.length - 0.5, -0.5] },
    xaxis: { ...frame.yaxis, ...frame.xaxis, ...axes.columnTicks(columns, width), range: [-0.5, columns.length - 0.5], side: "top" },
  };
  const key = JSON.stringify(layout);
  if (panel.axes === key) return;
  panel.axes = key;
  draw(panel.plot, layout);
}

/** Cover the rows and columns that one text alone has, with close slanted strokes. */
function strike({ struck, size: { width, height } }, { queries, keys }, palette) {
  const pen = penOf(struck, width, height);
  const clip = new Path2D();
  const [high, wide] = [height / queries.count, width / keys.count];
  for (let row = 0; row < queries.count; row++) if (!isPaired(queries, row)) clip.rect(0, row * high, width, high);
  for (let column = 0; column < keys.count; column++) if (!isPaired(keys, column)) clip.rect(column * wide, 0, wide, height);
  pen.save();
  pen.clip(clip);
  pen.fillStyle = palette.chip;
  pen.fillRect(0, 0, width, height);
  pen.strokeStyle = palette.muted;
  pen.globalAlpha = 0.5;
  pen.beginPath();
  for (let x = -height; x < width; x += STROKES) {
    pen.moveTo(x, height);
    pen.lineTo(x + height, 0);
  }
  pen.stroke();
  pen.restore();
}
