/**
 * Which part of a map a panel shows, and which tokens each of its cells stands for: exact cells, or patches of them where
 * the part has more cells than the screen. A patch shows its extreme number and knows where that stands.
 *
 * A view: {z with shape [rows, columns], top, bottom, left, right: the tokens it spans, last ones included; sink: whether
 * a sink's column follows; count: dimensions, where the columns are dimensions; pooled, and then query and key: where the
 * number of each cell stands; margins}.
 */
const { margins } = await import(`./cells.js${new URL(import.meta.url).search}`);

// No panel is wider or higher than so many cells; more would be less than a pixel each.
const MOST = 384;
const LEAST_ZOOM = 4;
const WORDS = "each cell is the extreme of several: draw a rectangle to zoom in";
const counted = new WeakMap();

/** The part of the cells that the look asks for, at most as fine as the screen. What has no cells stays as it is. */
export function view(cells, name, { look, head }) {
  if (!cells.z) return cells;
  const numbers = name === "values";
  if (head.window) return arrived(cells, numbers, head);
  const [top, bottom, left, right] = look.zoom ?? [0, head.queries - 1, 0, head.keys - 1];
  const sink = !numbers && cells.z.shape[1] > head.keys;
  const columns = numbers ? { from: 0, to: cells.z.shape[1] } : { from: left, to: right + 1, sink };
  const part = crop(cells.z, top, bottom + 1, columns);
  const small = patches(part.z, Math.min(MOST, part.z.shape[0]), Math.min(MOST, part.z.shape[1]));
  return {
    ...cells, ...small, top, bottom, left, right, sink, count: numbers ? cells.z.shape[1] : 0,
    query: small.pooled ? small.query.map((row) => top + row) : null,
    key: small.pooled ? small.key.map((column) => columns.from + column) : null,
    pooledWords: WORDS,
    margins: name === "weights" && look.weights === "weights" && !look.zoom ? marginsOf(head) : null,
  };
}

/** The view of cells that travelled pooled: their box is theirs. */
function arrived(cells, numbers, head) {
  const [top, bottom, left, right] = [...cells.box, ...(numbers ? [0, head.keys] : [])];
  const columns = cells.z.shape[1];
  const key = numbers ? cells.query.map((_, i) => i % columns) : cells.key;
  return { ...cells, key, top, bottom: bottom - 1, left, right: right - 1, sink: false, count: numbers ? columns : 0, pooledWords: WORDS, margins: null };
}

/** The margins of a head, made once. */
function marginsOf(head) {
  if (!counted.has(head)) counted.set(head, margins(head));
  return counted.get(head);
}

/** Rows top to bottom and columns from to to of z, and its last column too where that is a sink's. */
function crop(z, top, bottom, { from, to, sink = false }) {
  const all = z.shape[1];
  const width = to - from + (sink ? 1 : 0);
  if (top === 0 && bottom === z.shape[0] && width === all) return { z };
  const part = shaped(new Float32Array((bottom - top) * width), [bottom - top, width]);
  for (let row = top; row < bottom; row++) {
    part.set(z.subarray(row * all + from, row * all + to), (row - top) * width);
    if (sink) part[(row - top + 1) * width - 1] = z[(row + 1) * all - 1];
  }
  return { z: part };
}

/**
 * z in rows × columns patches that cover it evenly: {z, query, key, pooled} with the number of largest magnitude of each
 * patch and its row and column. NaN only where all of a patch is.
 */
export function patches(z, rows, columns) {
  const [high, wide] = z.shape;
  if (rows >= high && columns >= wide) return { z, pooled: false };
  const small = shaped(new Float32Array(rows * columns).fill(NaN), [rows, columns]);
  const query = new Int32Array(rows * columns);
  const key = new Int32Array(rows * columns);
  const columnOf = Int32Array.from({ length: wide }, (_, column) => placeIn(column, wide, columns));
  for (let row = 0; row < high; row++) {
    const base = placeIn(row, high, rows) * columns;
    for (let column = 0, i = row * wide; column < wide; column++, i++) {
      const at = base + columnOf[column];
      if (!(Math.abs(z[i]) <= Math.abs(small[at])) && z[i] === z[i]) {
        small[at] = z[i];
        query[at] = row;
        key[at] = column;
      }
    }
  }
  return { z: small, query, key, pooled: true };
}

/** Which of `parts` even parts of `count` place `index` lies in; part p begins at ⌊p · count / parts⌋. */
const placeIn = (index, count, parts) => Math.min(parts - 1, Math.floor(((index + 1) * parts - 1) / count));

/** Where part `index` of `parts` even parts of `count` begins. */
const startOf = (index, count, parts) => Math.floor((index * count) / parts);

/** The cell under the pointer, or null. */
export function cellAt(cover, shown, event) {
  const [rows, columns] = shown.z.shape;
  const box = cover.getBoundingClientRect();
  const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
  const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
}

/** The cell under the pointer, or the nearest one. */
export function nearest(cover, shown, event) {
  const box = cover.getBoundingClientRect();
  const within = (value, low, high) => Math.max(low, Math.min(high - 0.01, value));
  return cellAt(cover, shown, { clientX: within(event.clientX, box.left, box.right), clientY: within(event.clientY, box.top, box.bottom) });
}

/** What a cell stands for: {query, value} and a key, a dimension or the sink. */
export function placeOf(shown, { row, column }, name, head) {
  const i = row * shown.z.shape[1] + column;
  const value = shown.z[i];
  const known = shown.pooled && value === value;
  const query = known ? shown.query[i] : shown.top + startOf(row, shown.bottom - shown.top + 1, shown.z.shape[0]);
  if (name === "values") return { query, dimension: known ? shown.key[i] : column, value };
  const across = known ? shown.key[i] : shown.left + startOf(column, width(shown), shown.z.shape[1]);
  return shown.sink && across > shown.right ? { query, sink: true, value } : { query, key: Math.min(across, head.keys - 1), value };
}

const width = (shown) => shown.right - shown.left + 1 + (shown.sink ? 1 : 0);

/** The row of cells in which a query stands, or the nearest. */
export function rowOf(shown, query) {
  const count = shown.bottom - shown.top + 1;
  return placeIn(Math.max(0, Math.min(count - 1, query - shown.top)), count, shown.z.shape[0]);
}

/** Lay an element over one cell, or over the rectangle between two. */
export function cover(element, shown, one, other = one) {
  const [rows, columns] = shown.z.shape;
  const [top, bottom] = [Math.min(one.row, other.row), Math.max(one.row, other.row) + 1];
  const [left, right] = [Math.min(one.column, other.column), Math.max(one.column, other.column) + 1];
  lay(element, top / rows, (bottom - top) / rows, left / columns, (right - left) / columns);
}

/** Lay an element over the row of a query or the column of a key; nowhere where that is outside. */
export function line(element, shown, { query, key }) {
  const [at, low, high] = query === undefined ? [key, shown.left, shown.right] : [query, shown.top, shown.bottom];
  if (at < low || at > high) {
    element.style.display = "none";
    return;
  }
  const count = query === undefined ? width(shown) : high - low + 1;
  if (query === undefined) lay(element, 0, 1, (at - low) / count, 1 / count);
  else lay(element, (at - low) / count, 1 / count, 0, 1);
}

function lay(element, top, height, left, across) {
  const percent = (share) => `${100 * share}%`;
  Object.assign(element.style, { display: "block", top: percent(top), height: percent(height), left: percent(left), width: percent(across) });
}

/** The tokens that two cells span, as a look's zoom: [first query, last, first key, last]. */
export function boxOf(shown, one, other) {
  const rows = tokensOf(one.row, other.row, shown.z.shape[0], shown.top, shown.bottom);
  const columns = tokensOf(one.column, other.column, shown.z.shape[1], shown.left, shown.right);
  return [...atLeast(rows, shown.top, shown.bottom), ...atLeast(columns, shown.left, shown.right)];
}

function tokensOf(one, other, parts, low, high) {
  const count = high - low + 1;
  const first = low + startOf(Math.min(one, other), count, parts);
  return [Math.min(high, first), Math.max(Math.min(high, first), Math.min(high, low + startOf(Math.max(one, other) + 1, count, parts) - 1))];
}

/** A span of at least a few tokens, within low and high. */
function atLeast([first, last], low, high) {
  const more = Math.max(0, LEAST_ZOOM - (last - first + 1));
  const start = Math.max(low, Math.min(first - Math.floor(more / 2), high - LEAST_ZOOM + 1));
  return [start, Math.min(high, Math.max(last, start + LEAST_ZOOM - 1))];
}

/** The part around a cell with `by` times as many tokens each way; null is all of the map. */
export function zoomed(shown, cell, by, { queries, keys }) {
  const spanOf = (low, high, count, at, parts) => {
    const size = Math.max(LEAST_ZOOM, Math.round((high - low + 1) * by));
    if (size >= count) return [0, count - 1];
    const middle = low + startOf(at, high - low + 1, parts);
    const first = Math.max(0, Math.min(count - size, middle - Math.floor(size / 2)));
    return [first, first + size - 1];
  };
  const [rows, columns] = shown.z.shape;
  const box = [...spanOf(shown.top, shown.bottom, queries, cell.row, rows), ...spanOf(shown.left, shown.right, keys, cell.column, columns)];
  return box[0] === 0 && box[1] === queries - 1 && box[2] === 0 && box[3] === keys - 1 ? null : box;
}

function shaped(array, shape) {
  array.shape = shape;
  return array;
}
