/**
 * Maps that are too large to travel or to draw cell by cell: the extreme of each patch, and where it stands.
 *
 * `tiles` reads the tree of `attention/browser/tiles.py` as head.js reads a head, for what travelled. A window is {z:
 * Float32Array of `shape` [r, c], query, key: Int32Array of that shape, pooled, box: [top, bottom, left, right], sink:
 * Float32Array (r) or null}. z holds the number of the largest size in each patch, with its sign, and NaN where the mask
 * closes all of it; query and key tell where it stands. Patch i of r even ones begins at top + ⌊i·(bottom − top) / r⌋,
 * and so across. `spans.js` pools what travelled whole in the same way.
 * Nothing here touches the page.
 */

const version = new URL(import.meta.url).search;
const [{ reasonOf }, { changesHead, changesOutput, changesRows, closerOf, editsOf, heatOf, ofRow }, { shaped }] = await Promise.all(
  ["masks", "edits", "arrays"].map((name) => import(`./${name}.js${version}`)));

// What a query does not see: −∞ before the softmax, nothing after it.
const UNSEEN = { masked: -Infinity };

/** A head of which tiles and some rows travelled. */
export function tiles(tree) {
  return new Tiles(tree);
}

class Tiles {
  #tree; #edits; #cut;

  constructor(tree) {
    this.#tree = tree;
    this.#edits = editsOf(tree.edits ?? []).filter((edit) => changesHead(edit, tree.head));
    this.#cut = closerOf(this.#edits, tree);
    this.heat = heatOf(this.#edits);
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
    Object.assign(this, { altered: false, pending: false, temperature: tree.temperature ?? 1, unknown: tree.unknown ?? [], isShared: false, lengths: null });
  }

  isHidden() {
    return false;
  }

  /** The edit that made a row of weights what it is, in place of the softmax, or null. */
  changedRow(query) {
    return this.#edits.findLast((edit) => changesRows(edit) && ofRow(edit, query)) ?? null;
  }

  /** The edit that put something in place of a row's output, or null. */
  changedOutput(query) {
    return this.#edits.findLast((edit) => changesOutput(edit) && ofRow(edit, query)) ?? null;
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

  /** Whether there may be a key that some query may not look at; where no rule travelled, that is not known here. */
  get isMasked() {
    const { rule } = this.#tree;
    if (!rule || this.#cut) return true;
    return (rule.before !== null && rule.before < this.queries - 1) || (rule.after !== null && rule.after < this.keys - 1);
  }

  /** Why a query may not look at a key, as a head says it; of a mask without a rule that is "unknown" here. */
  why(query, key) {
    const rule = this.#tree.rule ?? { before: null, after: null };
    return reasonOf({ ...rule, keys: null, bits: null }, query, key, this.allowed(query)?.[key], this.#cut?.(query, key));
  }

  /** How many keys in a row a query may look at where its window ends; null without an end, or without a rule. */
  get windowSize() {
    const { rule } = this.#tree;
    return !rule || rule.before === null ? null : rule.before + 1 + (rule.after ?? 0);
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

/** Offsets of `shape` [r, c] → places: each counts from `begin(row, column)`. */
function placed(offsets, begin) {
  const columns = offsets.shape[1];
  const places = shaped(new Int32Array(offsets.length), offsets.shape);
  for (let i = 0; i < places.length; i++) places[i] = offsets[i] + begin(Math.floor(i / columns), i % columns);
  return places;
}

/** Where part `index` of `parts` even parts of first … last − 1 begins. */
const edge = (index, parts, first, last) => first + Math.floor((index * (last - first)) / parts);
