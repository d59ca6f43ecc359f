/** Cells on a canvas: a colour a number, hatching where a query may not look, thin gaps while the cells are large. */

const STEPS = 256;
const GAPS_UP_TO = 48;
const HATCH = "rgba(138,133,123,.6)";
const ramps = new Map();

/** 256 opaque colours of a scale as little-endian RGBA numbers. */
function rampOf(ui, scale) {
  const name = JSON.stringify(scale);
  if (!ramps.has(name)) {
    const made = new Uint32Array(STEPS);
    for (let i = 0; i < STEPS; i++) {
      const [r, g, b] = ui.mix(scale, i / (STEPS - 1));
      made[i] = (255 << 24) | (b << 16) | (g << 8) | r;
    }
    ramps.set(name, made);
  }
  return ramps.get(name);
}

/** Cells as an image of one pixel each; what is not a number stays transparent. z has `shape` [rows, columns]. */
export function image(ui, z, scale, zmin, zmax) {
  const [rows, columns] = z.shape;
  const made = new ImageData(columns, rows);
  const pixels = new Uint32Array(made.data.buffer);
  const ramp = rampOf(ui, scale);
  const factor = (STEPS - 1) / (zmax - zmin || 1);
  for (let i = 0; i < z.length; i++) {
    const place = (z[i] - zmin) * factor;
    if (!Number.isNaN(place)) pixels[i] = ramp[place <= 0 ? 0 : place >= STEPS - 1 ? STEPS - 1 : Math.round(place)];
  }
  return made;
}

/** A pen on an empty canvas of `width` × `height` CSS pixels, by which it draws, with at most `most` pixels to each. */
export function penOf(canvas, width, height, most = Infinity) {
  const ratio = Math.min(most, globalThis.devicePixelRatio || 1);
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

const pool = document.createElement("canvas");

/** Fill a canvas of `width` × `height` CSS pixels with cells; `hatch` says whether what is not a number is masked. */
export function paint(ui, canvas, z, { width, height, scale, zmin, zmax, hatch }) {
  const [rows, columns] = z.shape;
  const ratio = globalThis.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, wide, high);
  const large = Math.max(rows, columns) <= GAPS_UP_TO;
  if (hatch && !large) strokes(pen, wide, high, ratio);
  Object.assign(pool, { width: columns, height: rows });
  pool.getContext("2d").putImageData(image(ui, z, scale, zmin, zmax), 0, 0);
  pen.imageSmoothingEnabled = false;
  if (hatch && !large) wipe(pen, z, wide, high);
  pen.drawImage(pool, 0, 0, wide, high);
  if (!large) return;
  gaps(pen, rows, columns, wide, high, ratio);
  if (hatch) hatching(pen, z, wide, high, ratio);
}

/** Nothing of the hatching may show through between cells that are drawn. */
function wipe(pen, z, wide, high) {
  const [rows, columns] = z.shape;
  for (let row = 0; row < rows; row++) {
    const top = Math.floor((row * high) / rows);
    const line = z.subarray(row * columns, (row + 1) * columns);
    const first = line.findIndex((value) => !Number.isNaN(value));
    if (first < 0) continue;
    const last = line.findLastIndex((value) => !Number.isNaN(value));
    const left = Math.floor((first * wide) / columns);
    pen.clearRect(left, top, Math.ceil(((last + 1) * wide) / columns) - left, Math.ceil(((row + 1) * high) / rows) - top);
  }
}

function gaps(pen, rows, columns, wide, high, ratio) {
  for (let row = 1; row < rows; row++) pen.clearRect(0, Math.round((row * high) / rows - ratio / 2), wide, Math.round(ratio));
  for (let column = 1; column < columns; column++) pen.clearRect(Math.round((column * wide) / columns - ratio / 2), 0, Math.round(ratio), high);
}

/** One short stroke in each masked cell. */
function hatching(pen, z, wide, high, ratio) {
  const [rows, columns] = z.shape;
  const [w, h] = [wide / columns, high / rows];
  const reach = Math.min(w, h) * 0.22;
  pen.strokeStyle = HATCH;
  pen.lineWidth = ratio;
  pen.beginPath();
  z.forEach((value, i) => {
    if (!Number.isNaN(value)) return;
    const [x, y] = [((i % columns) + 0.5) * w, (Math.floor(i / columns) + 0.5) * h];
    pen.moveTo(x - reach, y + reach);
    pen.lineTo(x + reach, y - reach);
  });
  pen.stroke();
}

/** Slanted strokes all over, for cells too small to have one each. */
function strokes(pen, wide, high, ratio) {
  const step = 9 * ratio;
  const reach = 2.2 * ratio;
  pen.strokeStyle = HATCH;
  pen.lineWidth = ratio;
  pen.beginPath();
  for (let y = step / 2; y < high; y += step) {
    for (let x = step / 2; x < wide; x += step) {
      pen.moveTo(x - reach, y + reach);
      pen.lineTo(x + reach, y - reach);
    }
  }
  pen.stroke();
}

/**
 * Cross out columns of a canvas that `paint` filled: those shares of its width, [start, size], in cells that have a
 * number. What is masked keeps its own strokes.
 */
export function cross(canvas, z, shares, colour) {
  if (!shares.length) return;
  const [rows, columns] = z.shape;
  const ratio = globalThis.devicePixelRatio || 1;
  const pen = canvas.getContext("2d");
  const clip = new Path2D();
  for (const [start, size] of shares) {
    const column = Math.min(columns - 1, Math.floor((start + size / 2) * columns));
    for (let row = 0; row < rows; row++) {
      if (Number.isNaN(z[row * columns + column])) continue;
      clip.rect(start * canvas.width, (row * canvas.height) / rows, size * canvas.width, canvas.height / rows);
    }
  }
  pen.save();
  pen.clip(clip);
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.55;
  pen.lineWidth = ratio;
  pen.beginPath();
  for (const [start, size] of shares) crossing(pen, start * canvas.width, size * canvas.width, canvas.height, 9 * ratio);
  pen.stroke();
  pen.restore();
}

/** Slanted lines both ways over one column. */
function crossing(pen, left, width, height, step) {
  for (let y = -width; y < height + width; y += step) {
    pen.moveTo(left, y);
    pen.lineTo(left + width, y + width);
    pen.moveTo(left + width, y);
    pen.lineTo(left, y + width);
  }
}
