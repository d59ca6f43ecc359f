/** All heads, drawn once to a bitmap out of sight: with new data, another width, order or theme. */
const version = new URL(import.meta.url).search;
const [{ ui }, { figure, ranking }, { HANDY, cornerOf, planned }, { hatched }, { LINED, overlay }] = await Promise.all(
  ["../headlight", "./numbers", "./grid", "./pictures", "./overlay"].map((name) => import(`${name}.js${version}`)));

// A square must be this wide to have its number in it.
const WRITTEN = 26;
const FAMILY = '"Source Sans 3", sans-serif';
const FONT = `12px ${FAMILY}`;

/** Draw all heads, and the marks over them. */
export function draw(state) {
  const whole = state.frame.offsetWidth;
  if (!whole) return;
  const ratio = devicePixelRatio || 1;
  state.plan = { ...planned(state, whole), whole, ratio };
  const { width, height } = state.plan;
  state.bitmap = document.createElement("canvas");
  for (const canvas of [state.canvas, state.bitmap]) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  Object.assign(state.canvas.style, { width: `${width}px`, height: `${height}px` });
  const pen = state.bitmap.getContext("2d");
  pen.scale(ratio, ratio);
  pen.imageSmoothingEnabled = false;
  pen.textBaseline = "middle";
  const hatch = hatched(pen, state.palette);
  if (state.plan.ranked) drawRanked(state, pen, hatch);
  else drawGrid(state, pen, hatch);
  overlay(state);
}

/** Draw again when the page's typeface is here: a canvas does not wait for it. */
export function lettered(state) {
  if (!document.fonts || document.fonts.check(FONT)) return;
  document.fonts.load(FONT).then((found) => found.length && draw(state)).catch(() => {});
}

function drawGrid(state, pen, hatch) {
  const { layers, counts, numbers } = state.given;
  const { side, gutter } = state.plan;
  const every = Math.max(1, Math.ceil(13 / side));
  const paint = numbers ? square : picture;
  pen.font = FONT;
  pen.fillStyle = state.palette.muted;
  pen.textAlign = "right";
  layers.forEach((layer, row) => {
    if (row % every === 0) pen.fillText(String(layer), gutter - (side < HANDY ? 4 : 8), Math.max(7, row * side + side / 2 + 2));
  });
  pen.font = `11px ${FAMILY}`;
  pen.textAlign = "center";
  counts.forEach((count, row) => {
    for (let head = 0; head < count; head++) paint(state, pen, row, head, hatch);
  });
}

/** One head's picture over a hatch: what the mask closes shows it. */
function picture({ plan, given, atlas }, pen, row, head, hatch) {
  const [x, y] = cornerOf(plan, row, head);
  const size = plan.inner;
  if (plan.side >= LINED || !atlas) {
    pen.fillStyle = hatch;
    pen.fillRect(x, y, size, size);
  }
  if (!atlas) return;
  const [, , rows, columns] = given.pictures.shape;
  pen.drawImage(atlas, head * columns, row * rows, columns, rows, x, y, size, size);
}

/** One head as its number. */
function square(state, pen, row, head, hatch) {
  const { side, inner: size } = state.plan;
  const { numbers, marks } = state.given;
  const [x, y] = cornerOf(state.plan, row, head);
  const at = row * numbers.shape[1] + head;
  const ink = filled(state, pen, numbers[at], [x, y, size, size], hatch);
  if (!ink) return;
  if (marks?.[at] && side >= LINED) corner(pen, x + size, y, Math.max(4, size / 4), ink);
  if (side < WRITTEN) return;
  pen.fillStyle = ink;
  pen.fillText(figure(state.given, numbers[at]), x + size / 2, y + size / 2 + 1);
}

function drawRanked(state, pen, hatch) {
  const { columns, wide, tall, gap } = state.plan;
  const { numbers, marks } = state.given;
  ranking(state.given).heads.forEach(({ layer, head, at }, place) => {
    const [x, y] = [(place % columns) * wide + 4, Math.floor(place / columns) * tall + 4];
    const ink = filled(state, pen, numbers[at], [x, y, wide - gap, tall - gap], hatch);
    if (marks?.[at]) corner(pen, x + wide - gap, y, 6, ink);
    pen.fillStyle = ink;
    pen.textAlign = "left";
    pen.font = `600 ${FONT}`;
    pen.fillText(`${layer}.${head}`, x + 6, y + tall / 2 - 1);
    pen.textAlign = "right";
    pen.font = FONT;
    pen.fillText(figure(state.given, numbers[at]), x + wide - 13, y + tall / 2 - 1);
  });
}

/** Fill a box with the colour of a number, and return the ink that reads on it; hatched, and null, where there is none. */
function filled({ given, palette }, pen, value, box, hatch) {
  if (Number.isNaN(value)) {
    pen.fillStyle = hatch;
    pen.fillRect(...box);
    return null;
  }
  const { low, high } = given.range;
  const rgb = ui.mix(palette[given.scale], (value - low) / (high - low));
  pen.fillStyle = ui.css(rgb);
  pen.fillRect(...box);
  return ui.inkOn(rgb, palette);
}

/** A small triangle in the upper right corner: clearly more than an even head. */
function corner(pen, x, y, size, ink) {
  pen.fillStyle = ink;
  pen.beginPath();
  pen.moveTo(x - size, y);
  pen.lineTo(x, y);
  pen.lineTo(x, y + size);
  pen.fill();
}
