/**
 * Which part of a map a panel shows, and which tokens each of its cells stands for: exact cells, or patches of them where
 * the part has more cells than the screen. A patch shows its extreme number and knows where that stands.
 *
 * A view: {z with shape [rows, columns], top, bottom, left, right: the tokens it spans, last ones included; sink: whether
 * a sink's column follows; count: dimensions, where the columns are dimensions; pooled, and then query and key: where the
 * number of each cell stands; margins}. Nothing here touches the page.
 */
const version = new URL(import.meta.url).search;
const [{ margins }, { shaped }] = await Promise.all(["cells", "arrays"].map((name) => import(`./${name}.js${version}`)));

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
  const small = patches(part, Math.min(MOST, part.shape[0]), Math.min(MOST, part.shape[1]));
  return {
    ...cells, ...small, top, bottom, left, right, sink, count: numbers ? cells.z.shape[1] : 0,
    query: small.pooled ? small.query.map((row) => top + row) : null,
    key: small.pooled ? small.key.map((column) => columns.from + column) : null,
    pooledWords: WORDS,
    margins: name === "weights" && look.weights === "weights" && !look.zoom ? marginsOf(head) : null,
  };
}

/** The view of a whole map: each of its cells is one row and one column. */
export function whole(z) {
  return { z, top: 0, bottom: z.shape[0] - 1, left: 0, right: z.shape[1] - 1, sink: false, pooled: false };
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
  if (top === 0 && bottom === z.shape[0] && width === all) return z;
  const part = shaped(new Float32Array((bottom - top) * width), [bottom - top, width]);
  for (let row = top; row < bottom; row++) {
    part.set(z.subarray(row * all + from, row * all + to), (row - top) * width);
    if (sink) part[(row - top + 1) * width - 1] = z[(row + 1) * all - 1];
  }
  return part;
}

/**
 * z in rows × columns patches that cover it evenly: {z, query, key, pooled} with the number of largest magnitude of each
 * patch and its row and column; of equals the first column, and of its rows the first. NaN only where all of a patch is.
 */
export function patches(z, rows, columns) {
  const [high, wide] = z.shape;
  if (rows >= high && columns >= wide) return { z, pooled: false };
  const small = shaped(new Float32Array(rows * columns).fill(NaN), [rows, columns]);
  const [query, key] = firsts(small.shape, high, wide);
  const columnOf = Int32Array.from({ length: wide }, (_, column) => placeIn(column, wide, columns));
  for (let row = 0; row < high; row++) {
    const base = placeIn(row, high, rows) * columns;
    for (let column = 0, i = row * wide; column < wide; column++, i++) {
      const value = z[i];
      if (Number.isNaN(value)) continue;
      const at = base + columnOf[column];
      const [size, most] = [Math.abs(value), Math.abs(small[at])];
      if (size < most || (size === most && column >= key[at])) continue;
      small[at] = value;
      query[at] = row;
      key[at] = column;
    }
  }
  return { z: small, query, key, pooled: true };
}

/** The first row and the first column of each patch. */
function firsts(shape, high, wide) {
  const [rows, columns] = shape;
  const query = shaped(new Int32Array(rows * columns), shape);
  const key = shaped(new Int32Array(rows * columns), shape);
  const begins = Int32Array.from({ length: columns }, (_, column) => startOf(column, wide, columns));
  for (let row = 0; row < rows; row++) {
    query.fill(startOf(row, high, rows), row * columns, (row + 1) * columns);
    key.set(begins, row * columns);
  }
  return [query, key];
}

/** Which of `parts` even parts of `count` place `index` lies in; part p begins at ⌊p · count / parts⌋. */
export const placeIn = (index, count, parts) => Math.min(parts - 1, Math.floor(((index + 1) * parts - 1) / count));

/** Where part `index` of `parts` even parts of `count` begins. */
const startOf = (index, count, parts) => Math.floor((index * count) / parts);

/** Tokens down and across, the sink among them. */
const high = (shown) => shown.bottom - shown.top + 1;
const wide = (shown) => shown.right - shown.left + 1 + (shown.sink ? 1 : 0);

/** What a cell stands for: {query, value} and a key, a dimension or the sink. */
export function placeOf(shown, { row, column }, name, head) {
  const i = row * shown.z.shape[1] + column;
  const value = shown.z[i];
  const query = shown.pooled ? shown.query[i] : shown.top + row;
  if (name === "values") return { query, dimension: shown.pooled ? shown.key[i] : column, value };
  const key = shown.pooled ? shown.key[i] : shown.left + column;
  return shown.sink && key > shown.right ? { query, sink: true, value } : { query, key: Math.min(key, head.keys - 1), value };
}

/** The row of cells in which a query stands, or the nearest. */
export function rowOf(shown, query) {
  return placeIn(Math.max(0, Math.min(high(shown) - 1, query - shown.top)), high(shown), shown.z.shape[0]);
}

/** Where the row of a query lies in the map, [start, size] as shares of its height; null outside of what is shown. */
export function rowShare(shown, query) {
  return query < shown.top || query > shown.bottom ? null : [(query - shown.top) / high(shown), 1 / high(shown)];
}

/** Where the column of a key lies, as shares of the width; null outside of what is shown. */
export function columnShare(shown, key) {
  return key < shown.left || key > shown.right ? null : [(key - shown.left) / wide(shown), 1 / wide(shown)];
}

/** Where columns are that are left out on this page, a key's or the sink's, as shares of the width. */
export function leftOut(shown, { look, head }) {
  const keys = Array.from({ length: shown.right - shown.left + 1 }, (_, i) => shown.left + i);
  const shares = keys.filter((key) => head.isHidden(key)).map((key) => columnShare(shown, key));
  return shown.sink && look.hide.includes("sink") ? [...shares, [1 - 1 / wide(shown), 1 / wide(shown)]] : shares;
}

/** The tokens that two cells span, as a look's zoom: [first query, last, first key, last]. */
export function boxOf(shown, one, other) {
  const rows = tokensOf(one.row, other.row, shown.z.shape[0], shown.top, shown.bottom);
  const columns = tokensOf(one.column, other.column, shown.z.shape[1], shown.left, shown.right);
  return [...atLeast(rows, shown.top, shown.bottom), ...atLeast(columns, shown.left, shown.right)];
}

function tokensOf(one, other, parts, low, most) {
  const count = most - low + 1;
  const first = Math.min(most, low + startOf(Math.min(one, other), count, parts));
  const last = Math.min(most, low + startOf(Math.max(one, other) + 1, count, parts) - 1);
  return [first, Math.max(first, last)];
}

/** A span of at least a few tokens, within low and most. */
function atLeast([first, last], low, most) {
  const more = Math.max(0, LEAST_ZOOM - (last - first + 1));
  const start = Math.max(low, Math.min(first - Math.floor(more / 2), most - LEAST_ZOOM + 1));
  return [start, Math.min(most, Math.max(last, start + LEAST_ZOOM - 1))];
}

/** The part around a query and a key with `by` times as many tokens each way; null is all of the map. */
export function zoomed({ top, bottom, left, right }, { query, key }, by, { queries, keys }) {
  const span = (length, count, middle) => {
    const size = Math.max(LEAST_ZOOM, Math.round(length * by));
    if (size >= count) return [0, count - 1];
    const first = Math.max(0, Math.min(count - size, middle - Math.floor(size / 2)));
    return [first, first + size - 1];
  };
  const box = [...span(bottom - top + 1, queries, query), ...span(right - left + 1, keys, key)];
  return box[0] === 0 && box[1] === queries - 1 && box[2] === 0 && box[3] === keys - 1 ? null : box;
}

/** Whether a part is so small that it becomes no smaller. */
export const isLeast = ({ top, bottom, left, right }) => Math.max(bottom - top, right - left) < LEAST_ZOOM;
