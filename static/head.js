/**
 * One attention head in the browser, made from q, k, v and the model's own rules: the stages of `attention/stages.py`,
 * in its order and under its names. The run is the tree of `attention/browser/heads.py`, as headlight.js parses it.
 *
 * Numbers are stored as float32 and added up as float64. Letters in the shapes: h heads that travelled, n_q queries,
 * n_k keys, d width of a query or key, v width of a value. Nothing here touches the page.
 */

const version = new URL(import.meta.url).search;
const [stages, { reasonOf }, { changesHead, changesOutput, changesRows, closerOf, closes, editsOf, heatOf, ofRow }, { cut, shaped, slab }, { differenceOf, unchecked, verdict }] =
  await Promise.all(["stages", "masks", "edits", "arrays", "verdict"].map((name) => import(`./${name}.js${version}`)));

const { addValues, biasOf, closedTo, closesAny, divide, knows, mapsOf, sinkOf, softmax, span, stepsOf } = stages;

const SIDE = 32;
const BLOCK = 64;
// Cells of a map up to which it is kept once it was made (16 MB); larger ones are made anew.
const KEPT = 4_194_304;
// Stages in which what the mask closes is not computed.
const SHUT = new Set(["masked", "softmaxed", "weights"]);

/** The numbers of the layers that travelled. */
export function layers(run) {
  return run.layers.map((layer) => layer.layer);
}

/** The numbers of the heads that travelled of a layer; none where the layer did not travel. */
export function heads(run, layer) {
  return run.layers.find((own) => own.layer === layer)?.heads ?? [];
}

/** Which keys of a layer are no part of the text, such as the first token of many models: their places. */
export function specials(run, layer) {
  const marks = run.layers.find((own) => own.layer === layer)?.special.keys ?? [];
  return [...marks.keys()].filter((key) => marks[key]);
}

/**
 * One head, by the model's own numbers. Throws RangeError where it did not travel, or cannot be made of what did.
 *
 * temperature: divides the finished scores; the record's own where none is given. hidden: keys that are left out of
 * the weights, and `hideSink` the learned sink. renormalised: the rest then shares the row, as if what is hidden could
 * not be seen (−∞ before the softmax); without it the others' weights stay as they are. The stages before the weights
 * are always the model's. edits: lines of this operation's changes in place of those that the model ran with; one that
 * needs another run's numbers, which are not here, changes nothing.
 */
export function head(run, layer, number, options = {}) {
  const own = run.layers.find((one) => one.layer === layer);
  if (!own) throw new RangeError(`Layer ${layer} is not here; those that are: ${layers(run).join(", ") || "none"}.`);
  const at = own.heads.indexOf(number);
  if (at < 0) throw new RangeError(`Head ${number} of layer ${layer} is not here; those that are: ${own.heads.join(", ") || "none"}.`);
  return new Head(own, at, options);
}

/**
 * What is made here against the model's own output that came along: {ok, absolute, relative, allowed, words}. ok is null
 * where there is nothing to compare with. Never throws: what cannot be computed is not ok, and `words` says why.
 */
export function check(run, layer, number) {
  try {
    return head(run, layer, number).check();
  } catch (error) {
    const words = `Do not trust this head: it cannot be computed here. ${error.message}`;
    return { ok: false, absolute: NaN, relative: NaN, allowed: NaN, words };
  }
}

class Head {
  #layer; #at; #sink; #options; #hidden; #line; #steps; #cut; #rowEdits; #outputEdits; #newCuts;
  #means = null;
  #wide = {};
  #kept = new Map();
  #shares = null;
  #output = null;
  #closes = null;
  #open = null;

  constructor(layer, at, { temperature = layer.temperature, hidden = [], hideSink = false, renormalised = false, edits = null }) {
    refuse(layer, temperature);
    this.#layer = layer;
    this.#at = at;
    const own = editsOf(edits ?? layer.edits ?? []).filter((edit) => changesHead(edit, layer.heads[at]));
    /** What edits divide the scores by, beyond the model's own. */
    this.heat = heatOf(own);
    this.#cut = closerOf(own, layer);
    this.#newCuts = edits === null ? null : closerOf(own.filter((edit) => closes(edit) && !layer.edits?.includes(edit.line)), layer);
    this.#rowEdits = own.filter((edit) => changesRows(edit) && (edit.verb !== "patch" || givenOf(layer.givenWeights, layer.heads[at])));
    this.#outputEdits = own.filter((edit) => changesOutput(edit) && (["zero", "running"].includes(edit.how) || givenOf(layer.given, layer.heads[at])));
    /** Whether it is made with other changes than the model ran with. */
    this.pending = edits !== null;
    this.#sink = knows(layer) && layer.sink !== null;
    this.#options = { hideSink, renormalised };
    this.#hidden = new Uint8Array(layer.keys);
    for (const key of hidden) this.#hidden[key] = 1;
    this.#line = new Float64Array(layer.keys);
    this.#steps = knows(layer) ? stepsOf(layer, at, temperature * this.heat, this.#cut) : mapsOf(layer, at, this.heat, this.#newCuts);
    this.layer = layer.layer;
    this.head = layer.heads[at];
    this.queries = layer.queries;
    this.keys = layer.keys;
    this.width = layer.value ? layer.value.shape[2] : 0;
    /** Whether anything was changed against the model's own run. */
    this.altered = temperature !== layer.temperature || hideSink || this.#hidden.includes(1) || this.pending;
    /** What was not recorded of this head, in words: "query", "key", "value". */
    this.unknown = layer.unknown;
    /** What the scores are divided by, 1 for nothing. */
    this.temperature = (knows(layer) ? temperature : 1) * this.heat;
  }

  /**
   * The stages that this head has, in the model's order; the last is "weights". Where edits change rows after the softmax,
   * "softmaxed" stands before it.
   */
  get names() {
    return [...this.#steps.map(([name]) => name), ...(this.#rowEdits.length ? ["softmaxed"] : []), "weights"];
  }

  /** The edit that made a row of weights what it is, in place of the softmax, or null. */
  changedRow(query) {
    return this.#rowEdits.findLast((edit) => ofRow(edit, query)) ?? null;
  }

  /** The edit that put something in place of a row's output, or null. */
  changedOutput(query) {
    return this.#outputEdits.findLast((edit) => ofRow(edit, query)) ?? null;
  }

  /** Which keys a query may see: Uint8Array (n_k), 1 for those. */
  allowed(query) {
    const may = new Uint8Array(this.keys);
    const closed = closedTo(this.#layer.mask, this.#at, query, this.keys);
    const [low, high] = span(this.#layer.mask, query, this.keys);
    for (let key = low; key < high; key++) may[key] = (closed && closed(key)) || this.#cut?.(query, key) ? 0 : 1;
    return may;
  }

  /** Whether there is a key that some query may not look at. */
  get isMasked() {
    this.#closes ??= this.#cut !== null || closesAny(this.#layer, this.#at);
    return this.#closes;
  }

  /** Why a query may not look at a key: "causal", "window", "padding", the model's "own" mask, or an "edit"; "" where it may. */
  why(query, key) {
    return reasonOf(this.#layer.mask, query, key, this.allowed(query)[key], this.#cut?.(query, key));
  }

  /** How many keys a query may look at in a row, itself among them, where its window ends; null without an end. */
  get windowSize() {
    const { before, after, bits } = this.#layer.mask;
    return bits || before === null ? null : before + 1 + (after ?? 0);
  }

  /** One row of one stage, Float32Array (n_k); −Infinity in "masked" where the query may not look. */
  row(name, query) {
    this.#fill(this.#known(name), query);
    return new Float32Array(this.#line);
  }

  /** Every stage of one query, {name: Float32Array (n_k)} in order, each made from the one before. */
  rows(query) {
    const [low, high] = span(this.#layer.mask, query, this.keys);
    const made = {};
    for (const [name, step] of this.#steps) {
      if (name === "masked") this.#line.fill(-Infinity, 0, low).fill(-Infinity, high);
      step(this.#line, query, name === "masked" ? low : 0, name === "masked" ? high : this.keys, this.#float64);
      made[name] = new Float32Array(this.#line);
    }
    this.#soften(query, low, high);
    if (this.#rowEdits.length) made.softmaxed = new Float32Array(this.#line);
    this.#change(query);
    return { ...made, weights: new Float32Array(this.#line) };
  }

  /** The rows of several queries together, "mean" or "sum": Float32Array (n_k), or (v) where the name is "output". */
  together(name, queries, how = "mean") {
    const rows = queries.map((query) => (name === "output" ? this.mixed(query) : this.row(name, query)));
    const total = new Float64Array(rows[0]?.length ?? 0);
    for (const row of rows) for (let i = 0; i < total.length; i++) total[i] += row[i];
    if (how === "mean") for (let i = 0; i < total.length; i++) total[i] /= rows.length;
    return new Float32Array(total);
  }

  /** A whole stage, Float32Array of `shape` [n_q, n_k]. */
  map(name) {
    if (this.#kept.has(name)) return this.#kept.get(name);
    const whole = shaped(new Float32Array(this.queries * this.keys), [this.queries, this.keys]);
    for (const { start, block } of this.blocks(name)) whole.set(block, start * this.keys);
    if (whole.length <= KEPT) this.#kept.set(name, whole);
    return whole;
  }

  /** A stage in blocks of rows, {start, stop, block of `shape` [rows, n_k]}, so that a long one can be drawn bit by bit. */
  *blocks(name, rows = BLOCK) {
    this.#known(name);
    for (let start = 0; start < this.queries; start += rows) {
      const stop = Math.min(start + rows, this.queries);
      const block = shaped(new Float32Array((stop - start) * this.keys), [stop - start, this.keys]);
      for (let query = start; query < stop; query++) {
        this.#fill(name, query);
        block.set(this.#line, (query - start) * this.keys);
      }
      yield { start, stop, block };
    }
  }

  /** The learned sink's share of each row, Float32Array (n_q); null without a sink, 0 where it is hidden. */
  get sinkWeight() {
    if (!this.#sink) return null;
    return Float32Array.from({ length: this.queries }, (_, query) => (this.#options.hideSink ? 0 : this.#share(query)));
  }

  /** The same for one query. */
  sinkShare(query) {
    return !this.#sink ? null : this.#options.hideSink ? 0 : this.#share(query);
  }

  /** The logit of the learned sink beside one query's scores, or null: without one, or where it is hidden and gone. */
  sinkLogit(query) {
    const gone = this.#options.hideSink && this.#options.renormalised;
    return this.#sink && !this.#layer.sinkScales && !gone ? sinkOf(this.#layer, this.#at, query) : null;
  }

  /** Whether a learned sink has a column of its own: it takes its share from the weights. */
  get hasSinkColumn() {
    return this.#sink && !this.#layer.sinkScales;
  }

  /** Whether a key is left out of the weights; `gone`: so that the others share the row. */
  isHidden(key) {
    return this.#hidden[key] === 1;
  }

  get isShared() {
    return this.#options.renormalised;
  }

  /** What is added to one query's scores by position, Float32Array (n_k), or null. */
  bias(query) {
    if (!knows(this.#layer) || this.#layer.bias === null) return null;
    const { numbers, from } = biasOf(this.#layer.bias, this.#at, this.#layer);
    return numbers.slice(from(query), from(query) + this.keys);
  }

  /** This head's queries (n_q, d), keys (n_k, d) or values (n_k, v) as they travelled, or null. */
  part(name) {
    const whole = this.#layer[name];
    if (!whole) return null;
    return shaped(slab(whole, name === "query" ? this.#at : this.#layer.groups[this.#at]), whole.shape.slice(1));
  }

  /** The length of each key's value, Float32Array (n_k), or null where the values are not known. */
  get lengths() {
    const value = this.part("value");
    if (!value) return null;
    return Float32Array.from({ length: this.keys }, (_, key) => Math.hypot(...value.subarray(key * this.width, (key + 1) * this.width)));
  }

  /** What a query's weighted sum is multiplied by: 1, or 1 − the sink's share where it acts on the output. */
  outputScale(query) {
    return this.#sink && this.#layer.sinkScales ? 1 - this.#share(query) : 1;
  }

  /** One query's output, Float32Array (v), or null where the values are not known. */
  mixed(query) {
    if (!this.#layer.value) return null;
    const sum = new Float64Array(this.width);
    this.#mix(query, sum);
    return new Float32Array(sum);
  }

  /** The head's output, Float32Array of `shape` [n_q, v], or null where the values are not known. */
  get output() {
    if (!this.#layer.value || this.#output) return this.#output;
    const whole = shaped(new Float32Array(this.queries * this.width), [this.queries, this.width]);
    const sum = new Float64Array(this.width);
    for (let query = 0; query < this.queries; query++) {
      this.#mix(query, sum.fill(0));
      whole.set(sum, query * this.width);
    }
    this.#output = whole;
    return whole;
  }

  /** weight × value of each key for one query, Float32Array of `shape` [n_k, v]; they sum to that query's output. */
  terms(query) {
    if (!this.#layer.value) return null;
    const { width } = this;
    const terms = shaped(new Float32Array(this.keys * width), [this.keys, width]);
    this.#rounded("weights", query);
    const [value, scale] = [this.#float64("value"), this.outputScale(query)];
    for (let key = 0, i = 0; key < this.keys; key++) {
      for (const end = i + width; i < end; i++) terms[i] = this.#line[key] * value[i] * scale;
    }
    return terms;
  }

  /** A small picture, Float32Array of `shape` [rows, columns], each at most `side`: the largest weight of each patch. */
  thumbnail(side = SIDE, name = "weights") {
    const [rows, columns] = [Math.min(side, this.queries), Math.min(side, this.keys)];
    const small = shaped(new Float32Array(rows * columns).fill(-Infinity), [rows, columns]);
    this.#known(name);
    for (let row = 0; row < rows; row++) {
      for (let query = start(row, this.queries, rows); query < start(row + 1, this.queries, rows); query++) {
        this.#fill(name, query);
        pool(this.#line, small.subarray(row * columns, (row + 1) * columns));
      }
    }
    return small;
  }

  /** The check of this head as the model ran it, whatever is altered here; see `check`. */
  check() {
    const { output, allowed, value } = this.#layer;
    if (!output) return unchecked(allowed, "the model’s own output is not known");
    if (!value) return unchecked(allowed, "its values are not known");
    const plain = this.altered ? new Head(this.#layer, this.#at, {}) : this;
    return verdict(differenceOf(plain, output, this.#at), allowed);
  }

  #known(name) {
    if (!this.names.includes(name)) throw new RangeError(`This head has no stage “${name}”; it has: ${this.names.join(", ")}.`);
    return name;
  }

  /** Put one row of a stage into the line. What the mask closes is not computed where it does not show. */
  #fill(name, query) {
    const { mask } = this.#layer;
    const shut = SHUT.has(name);
    const [low, high] = shut ? span(mask, query, this.keys) : [0, this.keys];
    if (shut) this.#line.fill(-Infinity, 0, low).fill(-Infinity, high);
    for (const [own, step] of this.#steps) {
      step(this.#line, query, low, high, this.#float64);
      if (own === name) return;
    }
    this.#soften(query, low, high);
    if (name === "weights") this.#change(query);
  }

  /** From the masked scores of the line to what the softmax makes of them. */
  #soften(query, low, high) {
    const { hideSink, renormalised } = this.#options;
    if (renormalised) this.#hide(-Infinity);
    this.#note(query);
    if (knows(this.#layer)) {
      const sink = hideSink && renormalised ? null : sinkOf(this.#layer, this.#at, query);
      const share = softmax(this.#line, low, high, sink, this.#layer.sinkScales);
      if (this.#sink) this.#remembered[query] = share;
    } else if (this.heat !== 1 && this.#layer.maps.masked) {
      softmax(this.#line, 0, this.keys, null, false);
    } else {
      this.#line.set(cut(this.#layer.maps.weights, this.#at, query));
      if (this.#newCuts) this.#take(query);
    }
    if (!renormalised || !knows(this.#layer)) this.#hide(0);
    if (renormalised && this.altered && !knows(this.#layer)) divide(this.#line);
  }

  /** Where a row is changed after the softmax, keep in mind which of its keys are open. */
  #note(query) {
    if (!this.changedRow(query)) return;
    this.#open ??= new Uint8Array(this.keys);
    const scored = this.#steps.length > 0;
    const given = scored ? this.#line : cut(this.#layer.maps.weights, this.#at, query);
    for (let key = 0; key < this.keys; key++) this.#open[key] = Number(scored ? given[key] !== -Infinity : given[key] > 0);
  }

  /** Take away the weights of keys that were cut since the model ran: the others share the row, w / (1 − Σ of those). */
  #take(query) {
    let gone = 0;
    for (let key = 0; key < this.keys; key++) {
      if (!this.#newCuts(query, key)) continue;
      gone += this.#line[key];
      this.#line[key] = 0;
    }
    if (gone > 0 && gone < 1) for (let key = 0; key < this.keys; key++) this.#line[key] /= 1 - gone;
  }

  /** Put what edits make of this row in its place; a learned sink in it keeps its share. */
  #change(query) {
    const edit = this.changedRow(query);
    if (!edit) return;
    if (edit.verb === "patch") {
      this.#line.set(cut(givenOf(this.#layer.givenWeights, this.head), 0, query));
    } else {
      const open = this.#open.reduce((sum, one) => sum + one, 0);
      const first = this.#open.indexOf(1);
      const left = this.hasSinkColumn ? 1 - this.#share(query) : 1;
      for (let key = 0; key < this.keys; key++) this.#line[key] = edit.verb === "even" ? (this.#open[key] * left) / Math.max(1, open) : key === first ? left : 0;
    }
    this.#hide(0);
  }

  #hide(by) {
    for (let key = 0; key < this.keys; key++) if (this.#hidden[key]) this.#line[key] = by;
  }

  get #remembered() {
    this.#shares ??= new Float64Array(this.queries).fill(NaN);
    return this.#shares;
  }

  #share(query) {
    if (Number.isNaN(this.#remembered[query])) this.#fill("weights", query);
    return this.#remembered[query];
  }

  /** Put one query's output into `sum` (v), which is all 0: its weighted values, or what an edit put in their place. */
  #mix(query, sum) {
    const edit = this.changedOutput(query);
    if (!edit) return this.#weighted(query, sum);
    if (edit.how === "running") sum.set(this.#mean(query));
    if (edit.how === "running" || edit.how === "zero") return;
    const own = givenOf(this.#layer.given, this.head);
    sum.set(slab(own, own.shape[0] === 1 ? 0 : query));
  }

  /** The mean of the weighted values up to this query (v). */
  #mean(query) {
    const { width } = this;
    this.#means ??= this.#runningMeans();
    return this.#means.subarray(query * width, (query + 1) * width);
  }

  #runningMeans() {
    const means = new Float64Array(this.queries * this.width);
    const total = new Float64Array(this.width);
    for (let query = 0; query < this.queries; query++) {
      this.#weighted(query, total);
      for (let i = 0; i < this.width; i++) means[query * this.width + i] = total[i] / (query + 1);
    }
    return means;
  }

  /** Add the weighted values of one query to `sum` (v). */
  #weighted(query, added) {
    const sum = new Float64Array(added.length);
    // Weights of another text may stand where this one's mask closes.
    const isOwn = knows(this.#layer) && this.changedRow(query)?.verb !== "patch";
    const [low, high] = isOwn ? span(this.#layer.mask, query, this.keys) : [0, this.keys];
    if (this.#kept.has("weights")) this.#line.set(cut(this.#kept.get("weights"), 0, query));
    else this.#rounded("weights", query);
    addValues(this.#line, this.#float64("value"), low, high, sum);
    const scale = this.outputScale(query);
    for (let i = 0; i < sum.length; i++) added[i] += sum[i] * scale;
  }

  /** Fill the line, each number as a kept map has it: what is made of it is the same to the last digit, map or none. */
  #rounded(name, query) {
    this.#fill(name, query);
    for (let key = 0; key < this.keys; key++) this.#line[key] = Math.fround(this.#line[key]);
  }

  /** This head's query (n_q, d), key (n_k, d) or value (n_k, v), widened once. */
  #float64 = (part) => {
    this.#wide[part] ??= new Float64Array(slab(this.#layer[part], part === "query" ? this.#at : this.#layer.groups[this.#at]));
    return this.#wide[part];
  };
}

/** Throw RangeError for what cannot be made of a layer, with the reason. */
function refuse(layer, temperature) {
  if (!(temperature > 0 && temperature < Infinity)) throw new RangeError(`A temperature is a number above 0; got ${temperature}.`);
  if (knows(layer)) return;
  if (!layer.maps) throw new RangeError("The queries and keys of this head are not known, and its maps are not here.");
  if (temperature !== layer.temperature) throw new RangeError("Without queries and keys this head’s temperature cannot be changed.");
}

/** What an edit put in place of a head's own numbers, by the head's number, or null. */
const givenOf = (given, number) => given?.[number] ?? null;

/** Where part `index` of `parts` even parts of `count` begins. */
const start = (index, count, parts) => Math.floor((index * count) / parts);

/** Raise each cell of `small` to the largest number of its part of the line. */
function pool(line, small) {
  for (let column = 0; column < small.length; column++) {
    const end = start(column + 1, line.length, small.length);
    for (let key = start(column, line.length, small.length); key < end; key++) {
      if (line[key] > small[column]) small[column] = line[key];
    }
  }
}
