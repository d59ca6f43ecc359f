/** Small pictures of heads as bitmaps out of sight, a pixel a cell: all that travelled, and one head closer up. */
const version = new URL(import.meta.url).search;
const [{ ui }, { placeIn }] = await Promise.all(["headlight", "spans"].map((name) => import(`../${name}.js${version}`)));

const LARGEST = 255;

/** Colours of the bytes of a picture, as one 32-bit number each; 0, which is masked, is clear. */
export function rampOf(scale) {
  return Uint32Array.from({ length: LARGEST + 1 }, (_, byte) => {
    if (byte === 0) return 0;
    const [r, g, b] = ui.mix(scale, (byte - 1) / (LARGEST - 1));
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

/** All pictures side by side in one bitmap, a layer a line; null where no pictures travelled. */
export function atlasOf({ pictures: bytes, counts }, ramp) {
  if (!bytes) return null;
  const [, heads, rows, columns] = bytes.shape;
  const stride = heads * columns;
  return bitmap(stride, counts.length * rows, (colours) => {
    for (let at = 0, i = 0; at < counts.length * heads; at++) {
      const from = Math.floor(at / heads) * rows * stride + (at % heads) * columns;
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) colours[from + row * stride + column] = ramp[bytes[i++]];
      }
    }
  });
}

/** A head pooled to at most `most` pixels a side: of each patch the number of the largest size, clear where all is masked. */
export function closeUp(head, what, most, { low, high }, ramp) {
  const [rows, columns] = [Math.min(most, head.queries), Math.min(most, head.keys)];
  const best = new Float32Array(rows * columns).fill(NaN);
  const place = Int32Array.from({ length: head.keys }, (_, key) => placeIn(key, head.keys, columns));
  for (let query = 0; query < head.queries; query++) {
    const [line, may] = [head.row(what, query), head.allowed(query)];
    const from = placeIn(query, head.queries, rows) * columns;
    for (let key = 0; key < head.keys; key++) {
      const at = from + place[key];
      if (may[key] && !(Math.abs(line[key]) <= Math.abs(best[at]))) best[at] = line[key];
    }
  }
  return bitmap(columns, rows, (colours) => best.forEach((value, i) => {
    const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
    colours[i] = Number.isNaN(value) ? 0 : ramp[Math.round(share * (LARGEST - 1)) + 1];
  }));
}

function bitmap(width, height, fill) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(width, height);
  fill(new Uint32Array(image.data.buffer));
  pen.putImageData(image, 0, 0);
  return canvas;
}

const hatches = new Map();

/** The hatch of what is closed, as a pattern; one for each colour of lines. */
export function hatched(pen, { line }) {
  if (!hatches.has(line)) hatches.set(line, hatch(pen, line));
  return hatches.get(line);
}

function hatch(pen, line) {
  const tile = Object.assign(document.createElement("canvas"), { width: 6, height: 6 });
  const ink = tile.getContext("2d");
  ink.strokeStyle = line;
  ink.lineWidth = 1.2;
  ink.beginPath();
  for (const from of [-6, 0, 6]) {
    ink.moveTo(from - 1, 7);
    ink.lineTo(from + 7, -1);
  }
  ink.stroke();
  return pen.createPattern(tile, "repeat");
}

/** Where a token stands in a pooled picture, 0 to 1: the middle of the row or column that it is in. */
export const pooledPlace = (index, count, parts) => (placeIn(index, count, parts) + 0.5) / parts;
