/** The chosen pair as rows of bars on one axis: q, k, their products, and what those sum to. */
const version = new URL(import.meta.url).search;
const [{ ui }, { FONT }, { penOf }, { stepTo }, { GUTTER }, { aim, hasModifier, leave, taken }, { unitAt }, rowsIn, { isPaired }] = await Promise.all(
  ["../headlight", "../axes", "../paint", "./grid", "./marks", "./pointer", "./products", "./rows", "./options"].map((name) => import(`${name}.js${version}`)));

const { GAP } = rowsIn;
const NUMBERS = 18;
const [PLAIN, BOLD] = [`400 11px ${FONT}`, `600 13px ${FONT}`];
// Keys that lead nowhere in a single row stay the page's.
const UP_AND_DOWN = ["ArrowUp", "ArrowDown"];
// From a row's end to the middle of its number, and to its label.
const [EDGE, APART] = [3, 18];

/** {root, canvas, band: the mark of one unit}. */
export function bars(state) {
  const canvas = ui.make("canvas");
  const band = ui.make("div", { class: "band", hidden: true });
  const root = ui.make("div", { class: "bars", tabIndex: 0, role: "application" }, canvas, band);
  const current = () => unitAt(state) ?? state.made.order[0];
  root.addEventListener("pointermove", (event) => aim(state, pointed(state, root, event)));
  root.addEventListener("pointerleave", () => leave(state));
  root.addEventListener("focus", () => root.matches(":focus-visible") && aim(state, current()));
  root.addEventListener("blur", () => leave(state));
  root.addEventListener("keydown", (event) => {
    if (UP_AND_DOWN.includes(event.key)) return;
    const { order } = state.made;
    const to = stepTo([1, order.length], { row: 0, column: order.indexOf(current()) }, event.key);
    if (!to || hasModifier(event)) return;
    taken(event);
    aim(state, order[to.column]);
  });
  return { root, canvas, band };
}

/** The unit under the pointer, or null. */
function pointed({ made: { order } }, root, event) {
  const { left, width } = root.getBoundingClientRect();
  return order[Math.floor(((event.clientX - left - GUTTER) / (width - GUTTER)) * order.length)] ?? null;
}

export function drawBars(state) {
  const { canvas, root } = state.bars;
  const { width, palette, made } = state;
  const rows = rowsIn.rowsOf(state);
  const height = rows.reduce((sum, row) => sum + row.height + GAP, GAP / 2) + NUMBERS;
  const pen = penOf(canvas, width, height);
  canvas.style.height = `${height}px`;
  let top = GAP / 2;
  for (const row of rows) {
    drawRow(pen, palette, row, top, width);
    top += row.height + GAP;
  }
  numberColumns(pen, palette, made.order, top, width);
  root.setAttribute("aria-label", `${rows.map(({ label }) => label).join(", ")} by ${isPaired(state) ? "pair" : "dimension"}. Arrow keys walk. ${state.largest.textContent}`);
}

/** One row: bars up and down from its own zero, or the line of what they sum to so far. */
function drawRow(pen, palette, row, top, width) {
  const place = { left: GUTTER, step: (width - GUTTER) / row.values.length, ...rowsIn.scaleOf(row, top) };
  writeLabels(pen, palette, row, top, place.zero);
  pen.fillStyle = palette.line;
  pen.fillRect(GUTTER, place.zero - 0.5, width - GUTTER, 1);
  if (row.isLine) drawLine(pen, palette, rowsIn.stepsOf(row, place));
  else row.values.forEach((_, i) => drawBar(pen, palette, row, i, place));
}

/** A bar, and around a pair's its frame. */
function drawBar(pen, palette, row, i, place) {
  const sides = ({ x, y, width, height }) => [x, y, width, height];
  if (row.frame?.length) {
    pen.strokeStyle = palette.line;
    pen.strokeRect(...sides(rowsIn.frameOf(row, i, place)));
  }
  pen.fillStyle = row.colour(row.values[i]);
  pen.fillRect(...sides(rowsIn.barOf(row, i, place)));
}

function drawLine(pen, palette, corners) {
  pen.strokeStyle = palette.ink;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const corner of corners) pen.lineTo(...corner);
  pen.stroke();
  pen.lineWidth = 1;
}

/** A row's name, and the numbers at its two ends. */
function writeLabels(pen, palette, row, top, zero) {
  const { ends, middle } = rowsIn.labelsOf(row, { top, zero, edge: EDGE, apart: APART });
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.font = PLAIN;
  pen.fillStyle = palette.muted;
  for (const [value, y] of ends) pen.fillText(ui.number(value, 3), GUTTER - 8, y);
  pen.font = BOLD;
  pen.fillStyle = row.ink ?? palette.ink;
  pen.fillText(row.label, GUTTER - 8, middle);
}

/** The numbers of the dimensions under their bars. */
function numberColumns(pen, palette, order, top, width) {
  const step = (width - GUTTER) / order.length;
  pen.font = PLAIN;
  pen.textAlign = "center";
  pen.fillStyle = palette.muted;
  const names = rowsIn.namesUnder(order, step, (text) => pen.measureText(text).width);
  for (const [i, text] of names) pen.fillText(text, GUTTER + (i + 0.5) * step, top + 6);
}
