/** The chosen pair as rows of bars on one axis: q, k, their products, and what those sum to. */
const version = new URL(import.meta.url).search;
const [{ ui }, { FONT }, { penOf }, { stepTo }, { GUTTER }, { aim, hasModifier, leave, taken }, { unitAt }, { isPaired }] = await Promise.all(
  ["../headlight", "../axes", "../paint", "./grid", "./marks", "./pointer", "./products", "./taste"].map((name) => import(`${name}.js${version}`)));

const GAP = 12;
const NUMBERS = 18;
const [PLAIN, BOLD] = [`400 11px ${FONT}`, `600 13px ${FONT}`];
// Keys that lead nowhere in a single row stay the page's.
const UP_AND_DOWN = ["ArrowUp", "ArrowDown"];
const HEIGHTS = { part: 54, product: 96, sum: 54 };

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

/** The rows: {label, height, values by unit, low, high} and how they are drawn. Rows that compare share a range. */
function rowsOf({ made, palette, ...state }) {
  const paired = isPaired(state);
  const list = (name) => made.order.map((one) => one[name]);
  const before = made.before === null ? [] : list("before");
  const frame = paired ? list("most") : [];
  const parts = rangeOf([...list("q"), ...list("k")]);
  const wholes = rangeOf([...list("product"), ...before, ...frame, ...frame.map((most) => -most)]);
  const sums = made.order.map(() => 0);
  made.order.reduce((far, { product }, i) => (sums[i] = far + product), 0);
  const sign = (value) => ui.css(ui.mix(palette.scores, value < 0 ? 0.12 : 0.88));
  const part = (label, name, ink) => ({ label, height: HEIGHTS.part, values: list(name), ...parts, colour: () => ink, ink });
  const product = (label, values) => ({ label, height: HEIGHTS.product, values, ...wholes, frame, colour: sign });
  return [
    part(paired ? "‖q‖" : "q", "q", palette.query), part(paired ? "‖k‖" : "k", "k", palette.key),
    product("q·k", list("product")), ...(before.length ? [product("before", before)] : []),
    { label: "Σ so far", height: HEIGHTS.sum, values: sums, ...rangeOf(sums), isLine: true },
  ];
}

/** From the least to the largest number, with 0 between them. */
function rangeOf(values) {
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [0, 0]);
  return { low, high: low === high ? 1 : high };
}

export function drawBars(state) {
  const { canvas, root } = state.bars;
  const { width, palette, made } = state;
  const rows = rowsOf(state);
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
  const unit = row.height / (row.high - row.low);
  const zero = top + row.high * unit;
  const step = (width - GUTTER) / row.values.length;
  writeLabels(pen, palette, row, top, zero);
  pen.fillStyle = palette.line;
  pen.fillRect(GUTTER, zero - 0.5, width - GUTTER, 1);
  if (row.isLine) drawLine(pen, palette, row, zero, unit, step);
  else row.values.forEach((value, i) => drawBar(pen, palette, row, { value, most: row.frame?.[i], left: GUTTER + i * step, step, zero, unit }));
}

/** A bar, and around a pair's the frame of what its product could be at any distance. */
function drawBar(pen, palette, row, { value, most, left, step, zero, unit }) {
  const gap = step >= 6 ? 2 : step >= 3 ? 1 : 0;
  if (most !== undefined) {
    pen.strokeStyle = palette.line;
    pen.strokeRect(left + gap / 2 + 0.5, zero - most * unit, Math.max(step - gap - 1, 0.5), 2 * most * unit);
  }
  pen.fillStyle = row.colour(value);
  pen.fillRect(left + gap / 2, value < 0 ? zero : zero - value * unit, step - gap, Math.abs(value) * unit);
}

function drawLine(pen, palette, { values }, zero, unit, step) {
  pen.strokeStyle = palette.ink;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(GUTTER, zero);
  values.forEach((value, i) => {
    pen.lineTo(GUTTER + i * step, zero - value * unit);
    pen.lineTo(GUTTER + (i + 1) * step, zero - value * unit);
  });
  pen.stroke();
  pen.lineWidth = 1;
}

/** A row's name, and the numbers at its two ends. */
function writeLabels(pen, palette, { label, low, high, height, ink }, top, zero) {
  const end = (value, y) => value !== 0 && pen.fillText(ui.number(value, 3), GUTTER - 8, y);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.font = PLAIN;
  pen.fillStyle = palette.muted;
  end(high, top + 3);
  end(low, top + height - 3);
  pen.font = BOLD;
  pen.fillStyle = ink ?? palette.ink;
  pen.fillText(label, GUTTER - 8, Math.min(Math.max(zero, top + 18), top + height - (low < 0 ? 18 : 7)));
}

/** The numbers of the dimensions under their bars, as many as have room. */
function numberColumns(pen, palette, order, top, width) {
  const step = (width - GUTTER) / order.length;
  pen.font = PLAIN;
  const words = order.map(({ dims }) => dims.join("·"));
  const longest = words.reduce((one, other) => (other.length > one.length ? other : one), "");
  const every = Math.max(1, Math.ceil((pen.measureText(longest).width + 6) / step));
  pen.textAlign = "center";
  pen.fillStyle = palette.muted;
  for (let i = 0; i < order.length; i += every) pen.fillText(words[i], GUTTER + (i + 0.5) * step, top + 6);
}
