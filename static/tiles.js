/**
 * Maps that are too large to travel or to draw cell by cell: the extreme of each patch, and where it stands.
 *
 * `tiles` reads the tree of `attention/ui/tiles.py` as head.js reads a head, for what travelled; `windowOf` pools a head
 * of head.js in the same way. A window is {z: Float32Array of `shape` [r, c], query, key: Int32Array of that shape,
 * pooled, box: [top, bottom, left, right], sink: Float32Array (r) or null}. z holds the number of the largest size in
 * each patch, with its sign, and NaN where the mask closes all of it; query and key tell where it stands, of equals the
 * first key, and of its queries the first. Patch i of r even ones begins at top + ⌊i·(bottom − top) / r⌋, and so across.
 * Nothing here touches the page.
 */

const SIDE = 192;
// Cells of a map up to which head.js keeps it once it was made.
const KEPT = 4_194_304;
// What a query does not see: −∞ before the softmax, nothing after it.
const UNSEEN = { masked: -Infinity };

/** A head of which tiles and some rows travelled. */
export function tiles(tree) {
  return new Tiles(tree);
}

class Tiles {
  #tree;

  constructor(tree) {
    this.#tree = tree;
    this.layer = tree.layer;
    this.head = tree.head;
    this.queries = tree.queries;
    this.keys = tree.keys;
    this.width = tree.width;
    /** The stages of this head, in the model's order; the last is "weights". */
    this.names = tree.names;
    /** The stages whose tiles travelled. */
    this.stages = Object.keys(tree.tiles);
    /** What of "output" and "contribution" travelled. */
    this.received = Object.keys(tree.values);
    /** The queries whose rows travelled, in the order in which they were pinned. */
    this.pins = [...tree.pins];
    this.box = tree.box;
    this.pooled = tree.pooled;
    // A long text is shown as the model ran it: nothing is changed on the page.
    Object.assign(this, { altered: false, temperature: 1, unknown: tree.unknown ?? [], isShared: false, lengths: null });
  }

  isHidden() {
    return false;
  }

  /** Whether a learned sink takes its share from the weights. */
  get hasSinkColumn() {
    return !this.#tree.sinkScales && Object.keys(this.#tree.sinks).length > 0;
  }

  /** Logits of sinks, biases and q, k, v stay with the server. */
  sinkLogit() {
    return null;
  }

  bias() {
    return null;
  }

  part() {
    return null;
  }

  /** The rows of several queries together, "mean" or "sum": Float32Array (n_k). All of them must have travelled. */
  together(name, queries, how = "mean") {
    const rows = queries.map((query) => this.row(name, query));
    const sum = rows[0].map((_, key) => rows.reduce((total, row) => total + row[key], 0));
    return how === "mean" ? sum.map((value) => value / rows.length) : sum;
  }

  /** The output of a long text is compared where it was made, on the server; see the foot. */
  check() {
    return { ok: null, absolute: NaN, relative: NaN, allowed: NaN, words: "This text is too long to be made here; the server has compared it, see below." };
  }

  /** One row of one stage, Float32Array (n_k), as a head gives it; null where that row did not travel. */
  row(name, query) {
    this.#known(name);
    const numbers = this.#tree.rows[query]?.[name];
    return numbers ? numbers.map((value) => (Number.isNaN(value) ? UNSEEN[name] ?? 0 : value)) : null;
  }

  /** Every stage of one query, {name: Float32Array (n_k)} in order, or null where it did not travel. */
  rows(query) {
    return this.has(query) ? Object.fromEntries(this.names.map((name) => [name, this.row(name, query)])) : null;
  }

  /** Whether the rows of a query travelled. */
  has(query) {
    return query in this.#tree.rows;
  }

  /** Which keys a query may see: Uint8Array (n_k), 1 for those; null where its row did not travel. */
  allowed(query) {
    return this.has(query) ? Uint8Array.from(this.#tree.rows[query].weights, (weight) => (Number.isNaN(weight) ? 0 : 1)) : null;
  }

  /** One query's output, Float32Array (v), or null where it did not travel. */
  mixed(query) {
    return this.#tree.outputs[query] ?? null;
  }

  /** The learned sink's share of one query's row; null without a sink, and where the row did not travel. */
  sinkShare(query) {
    return this.#tree.sinks[query]?.[0] ?? null;
  }

  /** What a query's weighted sum is multiplied by: 1, or 1 − the sink's share where it acts on the output. */
  outputScale(query) {
    return this.#tree.sinkScales ? 1 - (this.sinkShare(query) ?? 0) : 1;
  }

  /** What travelled of a stage, with its own box, whatever part was asked for; null where nothing did. */
  window(name) {
    const tile = this.#tree.tiles[this.#known(name)];
    if (!tile) return null;
    const [rows, columns] = tile.values.shape;
    const [top, bottom, left, right] = this.box;
    const query = placed(tile.query, (row) => edge(row, rows, top, bottom));
    const key = placed(tile.key, (_, column) => edge(column, columns, left, right));
    return { z: tile.values, query, key, pooled: this.pooled, box: this.box, sink: this.#tree.sink };
  }

  /** What the queries receive, {z of `shape` [r, v], query, pooled, box: [top, bottom]}, pooled over queries alone, or null. */
  values(what = "output") {
    const tile = this.#tree.values[what];
    if (!tile) return null;
    const [top, bottom] = tile.box;
    const query = placed(tile.query, (row) => edge(row, tile.values.shape[0], top, bottom));
    return { z: tile.values, query, pooled: tile.pooled, box: tile.box };
  }

  #known(name) {
    if (this.names.includes(name) || this.stages.includes(name)) return name;
    throw new RangeError(`This head has no stage “${name}”; it has: ${this.names.join(", ")}.`);
  }
}

/** A window of a head of head.js, at most rows × columns patches; of the whole map where the box is null. */
export function windowOf(head, name, box = null, rows = SIDE, columns = SIDE) {
  if (!head.names.includes(name)) throw new RangeError(`This head has no stage “${name}”; it has: ${head.names.join(", ")}.`);
  const [top, bottom, left, right] = fitting(box ?? [0, head.queries, 0, head.keys], head, rows, columns);
  const shape = [Math.min(rows, bottom - top), Math.min(columns, right - left)];
  const row = reader(head, name);
  const z = shaped(new Float32Array(shape[0] * shape[1]), shape);
  const [query, key] = [0, 1].map(() => shaped(new Int32Array(z.length), shape));
  for (let i = 0; i < shape[0]; i++) {
    const tops = topsOf(row, edge(i, shape[0], top, bottom), edge(i + 1, shape[0], top, bottom), left, right);
    for (let j = 0; j < shape[1]; j++) {
      const at = i * shape[1] + j;
      const best = largest(tops.sizes, edge(j, shape[1], left, right) - left, edge(j + 1, shape[1], left, right) - left);
      z[at] = tops.sizes[best] < 0 ? NaN : tops.values[best];
      query[at] = tops.queries[best];
      key[at] = left + best;
    }
  }
  const made = { z, query, key, pooled: shape[0] < bottom - top || shape[1] < right - left, box: [top, bottom, left, right] };
  // The shares may need rows that were not made yet, so they are had only where they are asked for.
  return Object.defineProperty(made, "sink", { get: () => sinkOf(head, shape[0], top, bottom), enumerable: true });
}

/** The box, if it lies within the map. */
function fitting(box, head, rows, columns) {
  const [top, bottom, left, right] = box;
  const inside = box.every(Number.isInteger) && top >= 0 && top < bottom && bottom <= head.queries && left >= 0 && left < right && right <= head.keys;
  if (!inside) throw new RangeError(`There are ${head.queries} queries and ${head.keys} keys; a window cannot cover ${box.join(", ")}.`);
  if (!(rows >= 1 && columns >= 1)) throw new RangeError(`A window has at least 1 row and 1 column; got ${rows} and ${columns}.`);
  return box;
}

/** The function query → its row of a stage, NaN where the mask closes and nothing was taken. */
function reader(head, name) {
  const small = head.queries * head.keys <= KEPT ? head.map(name) : null;
  const read = (query) => (small ? small.slice(query * head.keys, (query + 1) * head.keys) : head.row(name, query));
  if (name !== "weights") return read;
  return (query) => {
    const [line, may] = [read(query), head.allowed(query)];
    for (let key = 0; key < line.length; key++) if (!may[key] && line[key] === 0) line[key] = NaN;
    return line;
  };
}

/** Of the queries start to stop − 1, each key's number of the largest size, that size (−1 where nothing counts), and whose. */
function topsOf(row, start, stop, left, right) {
  const count = right - left;
  const tops = { sizes: new Float32Array(count).fill(-1), values: new Float32Array(count), queries: new Int32Array(count).fill(start) };
  for (let query = start; query < stop; query++) {
    const line = row(query);
    for (let i = 0; i < count; i++) {
      const value = line[left + i];
      const size = value === -Infinity ? -1 : Math.abs(value);
      if (!(size > tops.sizes[i])) continue;
      tops.sizes[i] = size;
      tops.values[i] = value;
      tops.queries[i] = query;
    }
  }
  return tops;
}

/** Where the first of the largest numbers of first … last − 1 stands. */
function largest(sizes, first, last) {
  let best = first;
  for (let i = first + 1; i < last; i++) if (sizes[i] > sizes[best]) best = i;
  return best;
}

/** The largest share of the learned sink in each of so many patches of queries, Float32Array, or null. */
function sinkOf(head, rows, top, bottom) {
  if (head.sinkShare(top) === null) return null;
  const shares = Float32Array.from({ length: bottom - top }, (_, i) => head.sinkShare(top + i));
  const from = (i) => edge(i, rows, 0, bottom - top);
  return Float32Array.from({ length: rows }, (_, i) => shares[largest(shares, from(i), from(i + 1))]);
}

/** Offsets of `shape` [r, c] → places: each counts from `begin(row, column)`. */
function placed(offsets, begin) {
  const columns = offsets.shape[1];
  const places = shaped(new Int32Array(offsets.length), offsets.shape);
  for (let i = 0; i < places.length; i++) places[i] = offsets[i] + begin(Math.floor(i / columns), i % columns);
  return places;
}

/** Where part `index` of `parts` even parts of first … last − 1 begins. */
const edge = (index, parts, first, last) => first + Math.floor((index * (last - first)) / parts);

function shaped(array, shape) {
  array.shape = shape;
  return array;
}
