/**
 * The steps of the layer in their order, each with its matrices: {name, title, short, lesson, editable, build(kit)} where build makes
 * {nodes, draw(now)}: the matrices stay, and `draw` gives them the numbers of now. kit: {pin(changes), choose(cell)}.
 */

const version = new URL(import.meta.url).search;
const [{ ui }, { cellOf, place }, { contribution, fine, lengthOf, named, rowOf }] = await Promise.all(
  ["../headlight", "./matrix", "./words"].map((name) => import(`${name}.js${version}`)));

const sign = (words) => ui.make("span", { class: "sign", "aria-hidden": "true" }, words);
const equation = (...nodes) => ui.make("div", { class: "equation" }, ...nodes);
const NOTHING = () => null;
// Below these sizes of a cell names would cover each other: beside the rows, and slanted above the columns.
const [NAMED, SLANTED] = [12, 15];
// How wide a letter of a cell's number is, and what stays free beside it.
const [LETTER, FREE] = [6.3, 2];
// How high a weight matrix is at most, so that the queries, keys and values that are made by three stand together.
const HIGHEST = 160;

/** The part of an array of three axes that belongs to one head, as a matrix. */
export function slice(array, head) {
  const [, rows, columns] = array.shape;
  return Object.assign(array.subarray(head * rows * columns, (head + 1) * rows * columns), { shape: [rows, columns] });
}

const by = (matrix) => matrix.shape.join(" × ");

/** A matrix with a row for each token. */
function byToken(now, values, { title, label, symbols, scale = "values", width = 250, at = {}, choose = null, groups = null, rows = now.names }) {
  return {
    values, title, scale, rows, names: now.names, dims: now.dims, palette: now.palette, at, choose, groups, shape: `${symbols} = ${by(values)}`, label: `${label}, ${by(values)}.`,
    cell: cellOf(values.shape[1], { width, height: now.names.length > 12 ? 14 : 18 }),
  };
}

/** A map of queries by keys. */
function map(now, values, { title, label, scale = "scores", masked = () => false, choose, at = { row: now.i, column: now.j }, small = false, symbols = "n × n" }) {
  const n = now.names.length;
  const cell = small ? Math.max(7, Math.min(18, 150 / n)) : n <= 8 ? 40 : n <= 12 ? 34 : 17;
  return {
    values, title, scale, masked, palette: now.palette, rows: cell < NAMED ? null : now.names, columns: cell < SLANTED ? null : now.names, names: now.names, dims: now.names, cell, at, choose,
    digits: cell >= 28 ? digitsFor(values, cell) : null,
    shape: `${symbols} = ${by(values)}`, label: `${label}, ${by(values)}; rows are queries, columns are keys.`,
  };
}

/** How many decimals of all numbers fit into their cells; null where not even whole ones do. */
function digitsFor(values, cell) {
  const widest = (digits) => Math.max(...Array.from(values, (value) => (Number.isFinite(value) ? ui.decimals(value, digits).length : 0)));
  return [2, 1, 0].find((digits) => widest(digits) * LETTER <= cell - FREE) ?? null;
}

/** A weight matrix; the cell that is being set is outlined, where it is of this matrix. */
function weight(now, name, { title, symbols, scale, choose }) {
  const values = now.step.weights[name];
  const hasNames = now.dims !== null;
  const { matrix, row, column } = now.cells[name === "output" ? "output" : "project"];
  const of = matrix === name ? { row, column } : {};
  const [rows, columns] = values.shape;
  const cell = hasNames ? cellOf(columns, { width: 300, most: 14, height: rows <= 24 ? 15 : 11 }) : cellOf(columns, { width: 250, most: 22, height: Math.max(1.5, Math.min(22, HIGHEST / rows)) });
  return {
    values, title, scale, palette: now.palette, rows: hasNames && rows * cell[1] < 900 ? now.dims : null, names: now.dims, dims: now.dims, at: of, choose, cell, groups: name === "output" || now.d === columns ? null : now.d,
    shape: `${symbols} = ${by(values)}`, label: `${title}, ${by(values)}; rows are inputs, columns outputs.`,
  };
}

const PROJECTED = [
  { name: "query", made: "Q", title: "W_Q", symbols: "d_model × heads·d_head", scale: "scores", tokens: "queries" },
  { name: "key", made: "K", title: "W_K", symbols: "d_model × kv heads·d_head", scale: "scores", tokens: "keys" },
  { name: "value", made: "V", title: "W_V", symbols: "d_model × kv heads·d_head", scale: "values", tokens: "values" },
];

/** What a click into a projected matrix pins: the row as query or key, the column as head and dimension. */
const pinIn = (kit, last, side) => (row, column) => {
  const { d } = last.now;
  const changes = { [side === "query" ? "query" : "key"]: row };
  if (column !== null) changes.dim = column % d;
  if (column !== null && side === "query") changes.head = Math.floor(column / d);
  kit.pin(changes);
};

export const STEPS = [
  {
    name: "embed", title: "Embed, and add positions", short: "embed", lesson: "09-positions#sinusoids", editable: false,
    build(kit) {
      const [words, positions, x] = [place(), place(), place()];
      const choose = (row) => kit.pin({ query: row });
      const draw = (now) => {
        const [first, second] = now.before ? [now.before.x, now.before.pass.output] : [now.step.words, now.step.positions];
        const at = { row: now.i };
        words.draw(byToken(now, first, { title: now.before ? "x of layer 1" : "words", label: "The words’ vectors", symbols: "n × d_model", at, choose }));
        positions.draw(byToken(now, second, { title: now.before ? "output of layer 1" : "positions", label: "The positions’ vectors", symbols: "n × d_model", at, choose }));
        x.draw(byToken(now, now.step.x, { title: "X", label: "What enters the layer", symbols: "n × d_model", at, choose }));
      };
      return { nodes: [equation(words.root, sign("+"), positions.root, sign("="), x.root)], draw };
    },
  },
  {
    name: "project", title: "Queries, keys and values", short: "Q, K, V", lesson: "02-vectors#three", editable: true,
    build(kit) {
      const last = { now: null };
      const lines = PROJECTED.map((one) => ({ ...one, x: place(), w: place(one.name), to: place(one.name), choose: pinIn(kit, last, one.name) }));
      const draw = (now) => {
        last.now = now;
        for (const { name, made, title, symbols, scale, tokens, x, w, to, choose } of lines) {
          const row = name === "query" ? now.i : now.j;
          const from = (name === "query" ? now.head : now.group) * now.d;
          x.draw(byToken(now, now.step.x, { title: "X", label: "What enters the layer", symbols: "n × d_model", width: 170, at: { row } }));
          w.draw(weight(now, name, { title, symbols, scale, choose: (r, c) => kit.choose({ matrix: name, row: r, column: c ?? 0 }) }));
          to.draw(byToken(now, now.step.pass[made], {
            title: made, label: `The ${tokens} of all heads`, symbols: `n × ${name === "query" ? "heads" : "kv heads"}·d_head`, scale, groups: now.d,
            at: { row, column: from + now.dim }, choose,
          }));
        }
      };
      return { nodes: lines.map(({ x, w, to }) => equation(x.root, sign("×"), w.root, sign("="), to.root)), draw };
    },
  },
  {
    name: "split", title: "Split into heads", short: "split", lesson: "07-heads#whole", editable: false,
    build(kit) {
      const last = { now: null };
      const lines = PROJECTED.map((one) => ({ ...one, all: place(one.name), own: place(one.name), choose: pinIn(kit, last, one.name) }));
      const draw = (now) => {
        last.now = now;
        for (const { name, made, scale, tokens, all, own, choose } of lines) {
          const [row, head] = name === "query" ? [now.i, now.head] : [now.j, now.group];
          all.draw(byToken(now, now.step.pass[made], { title: made, label: `The ${tokens} of all heads`, symbols: `n × ${name === "query" ? "heads" : "kv heads"}·d_head`, scale, groups: now.d, at: { row }, choose, width: 320 }));
          own.draw(byToken(now, slice(now.step.pass[name], head), {
            title: `${made} of ${name === "query" ? "head" : "key-value head"} ${head}`, label: `The ${tokens} of one head`, symbols: "n × d_head", scale,
            at: { row, column: now.dim }, choose: (r, c) => kit.pin({ [name === "query" ? "query" : "key"]: r, ...(c === null ? {} : { dim: c }) }), width: 160,
          }));
        }
      };
      return { nodes: lines.map(({ all, own }) => equation(all.root, sign("→"), own.root)), draw };
    },
  },
  {
    name: "scores", title: "Scores: Q·Kᵀ", short: "Q·Kᵀ", lesson: "03-scores#dot", editable: true,
    build(kit) {
      const [query, key, scores] = [place("query"), place("key"), place()];
      const draw = (now) => {
        query.draw(byToken(now, slice(now.step.pass.query, now.head), { title: "Q", label: "The queries of this head", symbols: "n × d_head", scale: "scores", width: 160, at: { row: now.i }, choose: (row) => kit.pin({ query: row }) }));
        key.draw(byToken(now, slice(now.step.pass.key, now.group), { title: "K", label: "The keys of this head", symbols: "n × d_head", scale: "scores", width: 160, at: { row: now.j }, choose: (row) => kit.pin({ key: row }) }));
        scores.draw(map(now, slice(now.step.pass.scores, now.head), { title: "Q·Kᵀ", label: "The scores", choose: (row, column) => kit.cell(row, column) }));
      };
      return { nodes: [equation(query.root, sign("·"), key.root, sign("ᵀ ="), scores.root)], draw };
    },
  },
  {
    name: "scale", title: "Divide by √d_head", short: "÷ √d_head", lesson: "03-scores#variance", editable: false,
    build(kit) {
      const [scaled, tempered] = [place(), place()];
      const arrow = sign("÷ T →");
      const draw = (now) => {
        const choose = (row, column) => kit.cell(row, column);
        const { pass, settings } = now.step;
        scaled.draw(map(now, slice(pass.scaled, now.head), { title: settings.scaled ? `Q·Kᵀ ÷ √${now.d}` : "Q·Kᵀ, not scaled", label: "The scaled scores", choose }));
        arrow.hidden = tempered.root.hidden = settings.temperature === 1;
        tempered.draw(map(now, slice(pass.tempered, now.head), { title: `÷ temperature ${String(settings.temperature)}`, label: "The scores after the temperature", choose }));
      };
      return { nodes: [equation(scaled.root, arrow, tempered.root)], draw };
    },
  },
  {
    name: "mask", title: "Mask", short: "mask", lesson: "06-masks#causal", editable: false,
    build(kit) {
      const masked = place();
      const draw = (now) => masked.draw(map(now, slice(now.step.pass.masked, now.head), {
        title: now.step.settings.causal ? "later keys are closed" : "nothing is closed", label: "The scores with later keys closed", masked: closedIn(now), choose: (row, column) => kit.cell(row, column),
      }));
      return { nodes: [equation(masked.root)], draw };
    },
  },
  {
    name: "softmax", title: "Softmax", short: "softmax", lesson: "04-softmax#steps", editable: false,
    build(kit) {
      const weights = place();
      const sums = ui.make("p", { class: "note" });
      const draw = (now) => {
        weights.draw(mapOfWeights(now, slice(now.step.pass.weights, now.head), { title: "weights", choose: (row, column) => kit.cell(row, column) }));
        const row = rowOf(now.step.pass.weights, now.i, now.head);
        sums.textContent = `Row ${now.i} sums to ${fine(row.reduce((sum, value) => sum + value, 0))}.`;
      };
      return { nodes: [equation(weights.root), sums], draw };
    },
  },
  {
    name: "mix", title: "Weights × values", short: "× V", lesson: "05-values#mean", editable: false,
    build(kit) {
      const [weights, value, mixed] = [place(), place("value"), place("value")];
      const draw = (now) => {
        const { pass } = now.step;
        weights.draw(mapOfWeights(now, slice(pass.weights, now.head), { title: "weights", choose: (row, column) => kit.cell(row, column), small: true }));
        value.draw(byToken(now, slice(pass.value, now.group), { title: "V", label: "The values of this head", symbols: "n × d_head", width: 160, at: { row: now.j, column: now.dim }, choose: (row, column) => kit.pin({ key: row, ...(column === null ? {} : { dim: column }) }) }));
        mixed.draw(byToken(now, slice(pass.heads, now.head), { title: `output of head ${now.head}`, label: "What this head found for each token", symbols: "n × d_head", width: 160, at: { row: now.i, column: now.dim }, choose: (row, column) => kit.pin({ query: row, ...(column === null ? {} : { dim: column }) }) }));
      };
      return { nodes: [equation(weights.root, sign("×"), value.root, sign("="), mixed.root)], draw };
    },
  },
  {
    name: "concat", title: "Concatenate the heads", short: "concat", lesson: "08-output#concat", editable: false,
    build(kit) {
      const parts = [];
      const row = ui.make("div", { class: "equation" });
      const concat = place("value");
      const draw = (now) => {
        const { pass, settings: { n_heads: count } } = now.step;
        while (parts.length < count) parts.push(place("value"));
        row.replaceChildren(...parts.slice(0, count).map((part) => part.root), sign("→"), concat.root);
        parts.slice(0, count).forEach((part, head) => part.draw(byToken(now, slice(pass.heads, head), {
          title: `head ${head}`, label: `What head ${head} found`, symbols: "n × d_head", width: count > 4 ? 60 : 110, rows: head && count > 2 ? null : now.names, at: head === now.head ? { row: now.i } : {}, choose: (query) => kit.pin({ query, head }),
        })));
        concat.draw(byToken(now, pass.concat, { title: "concat", label: "All heads side by side", symbols: "n × heads·d_head", groups: now.d, at: { row: now.i }, choose: pinIn(kit, { now }, "query") }));
      };
      return { nodes: [row], draw };
    },
  },
  {
    name: "output", title: "W_O", short: "× W_O", lesson: "08-output#mix", editable: true,
    build(kit) {
      const [concat, w, output] = [place("value"), place(), place("value")];
      const heads = ui.make("p", { class: "note" });
      const draw = (now) => {
        const { pass, settings: { n_heads: count } } = now.step;
        concat.draw(byToken(now, pass.concat, { title: "concat", label: "All heads side by side", symbols: "n × heads·d_head", width: 200, groups: now.d, at: { row: now.i }, choose: (query) => kit.pin({ query }) }));
        w.draw(weight(now, "output", { title: "W_O", symbols: "heads·d_head × d_model", scale: "values", choose: (row, column) => kit.choose({ matrix: "output", row, column: column ?? 0 }) }));
        output.draw(byToken(now, pass.output, { title: "output", label: "What the layer adds to each token", symbols: "n × d_model", at: { row: now.i, column: now.out }, choose: (query, out) => kit.pin({ query, ...(out === null ? {} : { out }) }) }));
        const lengths = Array.from({ length: count }, (_, head) => `head ${head}: ${fine(lengthOf(contribution(now.step, now.i, head, now.d)))}`);
        heads.textContent = `Lengths of what each head adds to row ${now.i}: ${lengths.join(", ")}.${foundOf(now)}`;
      };
      return { nodes: [equation(concat.root, sign("×"), w.root, sign("="), output.root), heads], draw };
    },
  },
];

/** Of vectors whose numbers have names: the largest ones of the pinned row’s output. */
function foundOf({ dims, step, i }) {
  if (!dims) return "";
  const held = named(rowOf(step.pass.output, i), dims);
  return held === "0" ? "" : ` In words, row ${i} of the output holds ${held}.`;
}

const closedIn = (now) => (row, column) => !now.step.pass.allowed[row * now.names.length + column];

/** A map of weights, with closed cells hatched. */
export function mapOfWeights(now, values, { title, choose = NOTHING(), small = false }) {
  return map(now, values, { title, label: "The weights", scale: "weights", masked: closedIn(now), choose, small });
}
