/**
 * Inside one score: the products of a query and a key by dimension, or by the pairs that a rotary model turns, and the
 * queries and keys of all tokens as strips. Everything is made here, of q and k that travelled; the payload says how the
 * model pairs and turns its dimensions (`attention/ui/dimensions_payload.py`), which cannot be seen in q and k.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const { start } = await shared("headlight");
const [{ desk }, { paint, image }, { titlesOf }] = await Promise.all(["desk", "paint", "row"].map(shared));
const ui = start(HEADLIGHT);
const table = desk(ui);
const states = new WeakMap();
/** How a person likes to see it, for as long as the page is open. */
const taste = { sorted: false, paired: false, back: false, table: false };
const NAMED = 4;
const FEW_ROWS = 16;
const MANY_ROWS = 40;
const GUTTER = 62;
const GAP = 12;
const [FONT, BOLD] = ['400 11px "Source Sans 3", sans-serif', '600 13px "Source Sans 3", sans-serif'];
const HEIGHTS = { part: 54, product: 96, sum: 54 };
const SIDES = { query: { letter: "q", title: "Queries", one: "query" }, key: { letter: "k", title: "Keys", one: "key" } };
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -Infinity], End: [0, Infinity] };
const UNKNOWN = "The queries and keys of this head are not known, so its scores cannot be taken apart by dimension.";
const LONG = "This text is so long that its queries and keys stay on the server, so its scores cannot be taken apart here.";
const BASIS = "What this does not show: a single dimension need not stand for anything. If all queries and keys were turned alike in any way, every score would stay what it is, and every product here would be another.";
const AFTER_ONLY = "Queries and keys are known as they enter the score, so after any turning by place.";

// The page

function build(parent) {
  const state = { given: null, shown: null, at: null, dim: null, cell: null, painted: "" };
  Object.assign(state, {
    said: ui.make("p", { class: "said" }), title: ui.make("h3"), chain: ui.make("p", { class: "chain" }),
    key: ui.make("select"), largest: ui.make("p", { class: "largest" }), notes: ui.make("p", { class: "notes" }),
    readout: ui.make("p", { class: "readout", "aria-live": "polite" }), legend: ui.make("span", { class: "legend" }),
    strips: { query: strip(state, "query"), key: strip(state, "key") }, body: ui.make("div", { class: "body" }),
  });
  state.bars = bars(state);
  state.table = ui.make("table");
  state.scroll = ui.make("div", { class: "table", tabIndex: 0, role: "region", "aria-label": "The products as a table" }, state.table);
  state.controls = controls(state);
  const choose = ui.make("label", { class: "choose" }, "key ", state.key);
  state.key.addEventListener("change", () => table.change({ key: state.key.value === "" ? null : Number(state.key.value) }));
  const strips = ui.make("div", { class: "strips" }, state.strips.query.root, state.strips.key.root);
  state.body.append(
    ui.make("div", { class: "top" }, state.chain, choose), state.largest,
    ui.make("div", { class: "bar" }, state.controls.paired.root, state.controls.sorted.root, state.controls.back.root, state.controls.table.root),
    state.bars.root, state.readout, state.scroll, ui.make("div", { class: "bar" }, ui.make("h4", {}, "All tokens"), state.legend), strips, state.notes,
  );
  parent.append(ui.make("section", { class: "dimensions" }, state.title, state.said, state.body));
  const resized = new ResizeObserver(() => {
    state.painted = "";
    draw(state);
  });
  resized.observe(state.body);
  state.stops = [
    () => resized.disconnect(),
    ui.listen("shown", (shown) => show(state, shown)),
    ui.listen("waiting", (look) => wait(state, look)),
    ui.listen("hover", (at) => hover(state, at)),
  ];
  return state;
}

/** The switches: each a group of two buttons, or one; what was chosen is pressed. */
function controls(state) {
  const group = (name, label, options) => {
    const buttons = options.map(([value, text]) => {
      const button = ui.make("button", { type: "button" }, text);
      button.addEventListener("click", () => {
        taste[name] = options.length > 1 ? value : !taste[name];
        draw(state);
      });
      return { button, value };
    });
    const root = ui.make("div", { class: "switch", role: "group", "aria-label": label }, ...buttons.map(({ button }) => button));
    return { root, press: () => buttons.forEach(({ button, value }) => button.setAttribute("aria-pressed", String(taste[name] === value))) };
  };
  return {
    paired: group("paired", "What a product is of", [[false, "single dimensions"], [true, "rotary pairs"]]),
    sorted: group("sorted", "Order", [[false, "by dimension"], [true, "by size"]]),
    back: group("back", "Turning by place", [[false, "as they meet"], [true, "before turning"]]),
    table: group("table", "Form", [[true, "as a table"]]),
  };
}

/** All queries or all keys: a row a token, a column a dimension. */
function strip(state, side) {
  const canvas = ui.make("canvas");
  const marks = ui.make("div", { class: "marks" });
  const sheet = ui.make("div", { class: "sheet", tabIndex: 0, role: "application" }, canvas, marks);
  const names = ui.make("div", { class: "names", "aria-hidden": "true" });
  const scroll = ui.make("div", { class: "rows" }, names, sheet);
  const title = ui.make("h5", { class: side });
  const own = { side, canvas, marks, sheet, names, scroll, title, root: ui.make("div", { class: "strip" }, title, scroll) };
  sheet.addEventListener("pointermove", (event) => point(state, own, cellAt(state, own, event)));
  sheet.addEventListener("pointerleave", () => leave(state));
  sheet.addEventListener("click", (event) => pick(state, side, cellAt(state, own, event)?.row, event));
  sheet.addEventListener("focus", () => sheet.matches(":focus-visible") && point(state, own, state.cell ?? { row: pairOf(state)[side], dim: 0 }));
  sheet.addEventListener("blur", () => leave(state));
  sheet.addEventListener("keydown", (event) => walk(state, own, event));
  return own;
}

/** The chosen pair, its rows one above the other on one axis. */
function bars(state) {
  const canvas = ui.make("canvas");
  const band = ui.make("div", { class: "band", hidden: true });
  const root = ui.make("div", { class: "bars", tabIndex: 0, role: "application" }, canvas, band);
  const at = (event) => {
    const { left, width } = root.getBoundingClientRect();
    const place = Math.floor(((event.clientX - left - GUTTER) / (width - GUTTER)) * state.made.order.length);
    return state.made.order[place] ?? null;
  };
  root.addEventListener("pointermove", (event) => look(state, at(event)));
  root.addEventListener("pointerleave", () => leave(state));
  root.addEventListener("focus", () => root.matches(":focus-visible") && look(state, unitAt(state) ?? state.made.order[0]));
  root.addEventListener("blur", () => leave(state));
  root.addEventListener("keydown", (event) => {
    const by = ARROWS[event.key];
    if (!by || by[0] || hasModifier(event)) return;
    taken(event);
    const place = state.made.order.indexOf(unitAt(state) ?? state.made.order[0]);
    look(state, state.made.order[clamp(place + by[1], state.made.order.length)]);
  });
  return { canvas, band, root };
}

const clamp = (place, count) => Math.min(count - 1, Math.max(0, place));
const hasModifier = (event) => event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;

/** The page's own arrow keys stay out of it. */
function taken(event) {
  event.preventDefault();
  event.stopPropagation();
}

// What is chosen

/** The query and the key whose score is taken apart: those under the pointer, else the pinned one and its key. */
function pairOf(state, at = state.at) {
  const { look: own, head } = state.shown;
  const within = (index, count) => (Number.isInteger(index) && index >= 0 && index < count ? index : null);
  const query = within(at?.query, head.queries) ?? clamp(own.query, head.queries);
  return { query, key: within(at?.key, head.keys) ?? within(own.key, head.keys) ?? strongest(head.row("weights", query)) };
}

const strongest = (row) => row.reduce((top, value, i) => (value > row[top] ? i : top), 0);

function pick(state, side, row, event) {
  if (row === undefined) return;
  if (side === "query") table.pin(row, { several: table.isSeveral(event) });
  else table.change({ key: row });
}

function cellAt(state, { side, sheet }, event) {
  const { left, top, width, height } = sheet.getBoundingClientRect();
  const [rows, columns] = state.vectors[side].shape;
  return {
    row: clamp(Math.floor(((event.clientY - top) / height) * rows), rows),
    dim: clamp(Math.floor(((event.clientX - left) / width) * columns), columns),
  };
}

/** Arrow keys walk over tokens and dimensions; Enter chooses the token. */
function walk(state, own, event) {
  if (event.key === "Enter" || event.key === " ") {
    taken(event);
    pick(state, own.side, state.cell?.row, event);
    return;
  }
  const by = ARROWS[event.key];
  if (!by || hasModifier(event)) return;
  taken(event);
  const [rows, columns] = state.vectors[own.side].shape;
  const from = state.cell ?? { row: pairOf(state)[own.side], dim: 0 };
  point(state, own, { row: clamp(from.row + by[0], rows), dim: clamp(from.dim + by[1], columns) });
  reveal(own, state.cell.row, rows);
}

/** The pointer, or the keyboard, is on a cell of a strip. */
function point(state, { side }, cell) {
  if (state.cell?.side === side && state.cell.row === cell.row && state.cell.dim === cell.dim) return;
  state.cell = { side, ...cell };
  state.dim = cell.dim;
  const before = state.at;
  const { query } = pairOf(state, before?.from === "dimensions" ? null : before);
  const at = side === "query" ? { query: cell.row, key: null } : { query, key: cell.row };
  if (before?.from === "dimensions" && before.query === at.query && before.key === at.key) mark(state);
  else ui.say("hover", { ...at, from: "dimensions" });
}

/** The pointer, or the keyboard, is on one product. */
function look(state, unit) {
  const dim = unit?.dims[0] ?? null;
  if (dim === state.dim && !state.cell) return;
  Object.assign(state, { dim, cell: null });
  mark(state);
}

function leave(state) {
  const told = state.at?.from === "dimensions";
  Object.assign(state, { cell: null, dim: null });
  if (told) ui.say("hover", null);
  else mark(state);
}

/** What is under the pointer anywhere on the page; the numbers change only where another query or key is meant. */
function hover(state, at) {
  const before = state.shown?.head && state.vectors ? pairOf(state) : null;
  state.at = at ?? null;
  if (!before) return;
  const after = pairOf(state);
  if (before.query !== after.query || before.key !== after.key) tell(state, after);
  mark(state);
}

// The numbers

/** Queries (n_q, d) and keys (n_k, d) of a head as they travelled; null where they are not known. */
function vectorsOf({ run, look: own, head }) {
  const layer = run.layers.find((one) => one.layer === own.layer);
  if (run.level === "tiles" || !head || !layer?.query || !layer.key) return null;
  const at = layer.heads.indexOf(own.head);
  const cut = (whole, index) => {
    const [, rows, columns] = whole.shape;
    const part = whole.subarray(index * rows * columns, (index + 1) * rows * columns);
    part.shape = [rows, columns];
    return part;
  };
  return { query: cut(layer.query, at), key: cut(layer.key, layer.groups[at]), layer };
}

/** How the layer on show turns its dimensions: {pairs, angles, why, arrangement}, or {why}. */
function turnOf({ given, shown }) {
  if (!given || given.run !== shown.run.id) return { why: "" };
  const own = given.layers.find(({ layer }) => layer === shown.look.layer);
  if (!own || own.turn < 0) return { why: own?.why ?? "", awaited: given.awaited };
  return given.turns[own.turn];
}

/** Vectors (n, d) as they would stand at the first place. */
function turnedBack(vectors, { pairs, angles }) {
  const [rows, width] = vectors.shape;
  const made = Float32Array.from(vectors);
  made.shape = vectors.shape;
  const count = pairs.shape[0];
  for (let row = 0; row < rows; row++) {
    for (let pair = 0; pair < count; pair++) {
      const [a, b] = [row * width + pairs[2 * pair], row * width + pairs[2 * pair + 1]];
      const [cos, sin] = [Math.cos(angles[row * count + pair]), Math.sin(angles[row * count + pair])];
      [made[a], made[b]] = [vectors[a] * cos + vectors[b] * sin, vectors[b] * cos - vectors[a] * sin];
    }
  }
  return made;
}

/** Where it is known: q and k of all tokens before they were turned by their place, else null. */
function beforeTurning(state) {
  const { turn, vectors } = state;
  const count = turn.pairs?.shape[0];
  if (!turn.angles || [vectors.query, vectors.key].some(({ shape }) => shape[0] * count > turn.angles.length)) return null;
  return { query: turnedBack(vectors.query, turn), key: turnedBack(vectors.key, turn) };
}

/** The dimensions that belong together: each alone, or the turning pairs and after them what does not turn. */
function unitsOf(width, turn, paired) {
  if (!paired) return Array.from({ length: width }, (_, dim) => [dim]);
  const pairs = Array.from({ length: turn.pairs.shape[0] }, (_, i) => [turn.pairs[2 * i], turn.pairs[2 * i + 1]]);
  const turning = new Set(pairs.flat());
  return [...pairs, ...unitsOf(width, turn, false).filter(([dim]) => !turning.has(dim))];
}

/**
 * One score taken apart: {units, order, score, before}. A unit is {dims, q, k, product, most, cos, before, beforeCos}: of
 * one dimension its two numbers and their product; of a pair both lengths, the cosine between, and their product.
 */
function takeApart(state, { query, key }) {
  const paired = isPaired(state);
  const source = taste.back && state.before && !paired ? state.before : state.vectors;
  const [q, k] = [ui.row(source.query, query), ui.row(source.key, key)];
  const earlier = paired && state.before ? [ui.row(state.before.query, query), ui.row(state.before.key, key)] : null;
  const units = state.units.map((dims) => unit(dims, q, k, earlier));
  const total = (name) => units.reduce((sum, one) => sum + one[name], 0);
  const bySize = (a, b) => Math.abs(b.product) - Math.abs(a.product) || a.dims[0] - b.dims[0];
  return { units, order: taste.sorted ? [...units].sort(bySize) : units, sum: total("product"), before: earlier ? total("before") : null };
}

function unit(dims, q, k, earlier) {
  const product = dot(dims, q, k);
  const before = earlier ? dot(dims, ...earlier) : null;
  if (dims.length === 1) return { dims, q: q[dims[0]], k: k[dims[0]], product, most: Math.abs(product), before };
  const [a, b] = [Math.hypot(...dims.map((dim) => q[dim])), Math.hypot(...dims.map((dim) => k[dim]))];
  const most = a * b;
  return { dims, q: a, k: b, product, most, cos: most ? product / most : 0, before, beforeCos: earlier && most ? before / most : null };
}

const dot = (dims, q, k) => dims.reduce((sum, dim) => sum + q[dim] * k[dim], 0);
const isPaired = (state) => taste.paired && Boolean(state.turn.pairs);
const unitAt = (state) => (state.dim === null ? null : state.made.units.find(({ dims }) => dims.includes(state.dim)) ?? null);

// Drawing

function show(state, shown) {
  state.shown = shown;
  draw(state);
}

/** A head that has not travelled yet; of a text that is too long none does. */
function wait(state, look) {
  state.title.classList.toggle("waiting", Boolean(look));
  if (look && globalThis.headlightDesk?.run?.level === "tiles") refuse(state, look, LONG);
}

/** One sentence in place of everything; "" for none. */
function refuse(state, { layer, head }, why) {
  state.title.textContent = `Inside a score of layer ${layer}, head ${head}`;
  state.said.textContent = why;
  state.said.hidden = !why;
  state.body.hidden = Boolean(why);
}

function draw(state) {
  if (!state.shown || !state.palette) return;
  const { look: own, run } = state.shown;
  state.vectors = vectorsOf(state.shown);
  refuse(state, own, state.vectors ? "" : run.level === "tiles" ? LONG : UNKNOWN);
  if (!state.vectors) return;
  state.turn = turnOf(state);
  if (state.backOf?.[0] !== state.vectors.query.buffer || state.backOf[1] !== state.turn || state.backOf[2] !== `${own.layer}.${own.head}`) {
    state.backOf = [state.vectors.query.buffer, state.turn, `${own.layer}.${own.head}`];
    state.before = beforeTurning(state);
    state.painted = "";
  }
  state.units = unitsOf(state.vectors.query.shape[1], state.turn, isPaired(state));
  press(state);
  nameRows(state);
  paintStrips(state);
  state.notes.replaceChildren(...notesOf(state).map((note) => ui.make("span", {}, note)));
  state.width = state.bars.root.clientWidth;
  const pair = pairOf(state);
  tell(state, pair);
  offer(state, pair);
  fillTable(state, pair);
  mark(state);
  for (const side of ["query", "key"]) reveal(state.strips[side], pair[side], state.vectors[side].shape[0]);
}

function press(state) {
  for (const control of Object.values(state.controls)) control.press();
  state.controls.paired.root.hidden = !state.turn.pairs;
  state.controls.back.root.hidden = !state.before;
}

/** What to know of the pairs, and what all of this does not show. */
function notesOf({ turn, before, vectors, shown, given }) {
  const fellows = vectors.layer.heads.filter((_, i) => vectors.layer.groups[i] === vectors.layer.groups[vectors.layer.heads.indexOf(shown.look.head)]);
  const keys = fellows.length > 1 && shown.run.level !== "head" ? [`Heads ${fellows.join(", ")} of this layer read the same keys.`] : [];
  return [...keys, ...turningNotes(turn, before, Boolean(given?.awaited)), BASIS];
}

function turningNotes(turn, before, awaited) {
  if (awaited) return [`${AFTER_ONLY} How this model pairs its dimensions is being found out.`];
  if (!turn.pairs) return turn.why ? [`There are no rotary pairs to show: ${turn.why}.`] : [AFTER_ONLY];
  const [a, b] = turn.pairs;
  const rule = `This model turns pairs of dimensions by a token’s place, such as ${a} with ${b}: that keeps a pair’s length and changes its angle.`;
  if (!before) return [rule, `${AFTER_ONLY} They cannot be turned back: ${turn.why || "this text is longer than the test run"}.`];
  return [rule, "By how much was measured in a run of one token said again and again, where turned back all queries and keys of the layer equal those of the first place; “before turning” is as if every token stood there."];
}

/** The names of the rows and of the keys to choose from; made anew only for other tokens. */
function nameRows(state) {
  const { tokens, id } = state.shown.run;
  const counts = ["query", "key"].map((side) => state.vectors[side].shape[0]).join();
  if (state.named === `${id} ${counts}`) return;
  state.named = `${id} ${counts}`;
  for (const [side, list] of [["query", tokens.queries], ["key", tokens.keys]]) {
    const names = list.slice(0, state.vectors[side].shape[0]).map(({ name }) => name);
    state.strips[side].list = names;
    state.strips[side].names.replaceChildren(...names.map((_, i) => ui.make("span", { dir: "auto" }, ...ui.named(names, i))));
    state.strips[side].root.classList.toggle("few", names.length <= FEW_ROWS);
    state.strips[side].root.classList.toggle("many", names.length > MANY_ROWS);
    state.strips[side].root.style.setProperty("--rows", names.length);
  }
  const keys = state.strips.key.list;
  const option = (name, i) => ui.make("option", { value: String(i) }, ...ui.named(keys, i).map((node) => node.textContent ?? node));
  state.key.replaceChildren(ui.make("option", { value: "" }, "the largest weight"), ...keys.map(option));
}

function paintStrips(state) {
  const { look: own, run } = state.shown;
  const back = taste.back && state.before !== null;
  const name = JSON.stringify([run.id, own.layer, own.head, back, state.palette.name, globalThis.devicePixelRatio]);
  if (state.painted === name) return;
  state.painted = name;
  const source = back ? state.before : state.vectors;
  const limit = Math.max(largestOf(source.query), largestOf(source.key)) || 1;
  for (const side of ["query", "key"]) {
    const { title, canvas, sheet } = state.strips[side];
    const { letter, title: words } = SIDES[side];
    title.textContent = `${words} ${letter}${back ? ", before turning" : ""}`;
    sheet.setAttribute("aria-label", `${words}: ${source[side].shape[0]} tokens by ${source[side].shape[1]} dimensions. Arrow keys walk, Enter chooses.`);
    paintStrip(state, canvas, sheet, source[side], limit);
  }
  const ends = [-limit, 0, limit].map((value) => ui.make("span", {}, ui.number(value, 3)));
  state.legend.replaceChildren(ends[0], ui.make("i"), ends[2]);
  const colours = state.palette.scores.map(([place, colour]) => `${colour} ${100 * place}%`).join(", ");
  state.legend.children[1].style.background = `linear-gradient(90deg, ${colours})`;
  state.legend.title = "colours of q and k, centred on 0";
}

const largestOf = (array) => array.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Large cells have gaps; of many rows each number is one pixel, which the browser stretches. */
function paintStrip(state, canvas, sheet, z, limit) {
  const [rows, columns] = z.shape;
  const { width, height } = sheet.getBoundingClientRect();
  const range = { scale: state.palette.scores, zmin: -limit, zmax: limit };
  if (rows <= MANY_ROWS && width) {
    paint(ui, canvas, z, { width, height, ...range, hatch: false });
    return;
  }
  Object.assign(canvas, { width: columns, height: rows });
  canvas.getContext("2d").putImageData(image(ui, z, range.scale, range.zmin, range.zmax), 0, 0);
}

// The chosen pair

/** Everything that is said of one query and one key. */
function tell(state, pair) {
  state.made = takeApart(state, pair);
  state.pair = pair;
  state.places = placesOf(state.made.units);
  state.chain.replaceChildren(...chainOf(state, pair));
  state.largest.replaceChildren(...largestIn(state));
  drawBars(state);
}

/** The key in the box above; without a choice that of the largest weight. */
function offer({ key, shown, strips }, pair) {
  const own = shown.look.key;
  key.value = own === null || own >= strips.key.list.length ? "" : String(own);
  key.options[0].textContent = `the largest weight${key.value === "" ? `: ${key.options[pair.key + 1].textContent}` : ""}`;
}

/** Decimals by the size of the numbers: two, or more where all are small. */
function placesOf(units) {
  const most = units.reduce((top, { product }) => Math.max(top, Math.abs(product)), 0);
  return most >= 1000 ? 1 : most >= 1 || most === 0 ? 2 : 4;
}

/** With its sign, unless it is too small to be written. */
function signed(state, value) {
  const text = ui.decimals(value, state.places);
  return value > 0 && !text.startsWith("<") ? `+${text}` : text;
}

/** “it” · “cat”: Σ q·k = 12.84 → × 1/√32 = 2.27 → weight 0.737, as in the head's own stages. */
function chainOf(state, { query, key }) {
  const { head } = state.shown;
  const rows = head.rows(query);
  const masked = !head.allowed(query)[key];
  const names = [name(state, "query", query), " · ", name(state, "key", key), ": "];
  const back = taste.back && state.before && !isPaired(state);
  const before = back ? [step([...sumOf(), ` before turning = ${ui.decimals(state.made.sum, state.places)}`]), " · as they meet "] : [];
  const steps = Object.entries(titlesOf(head, state.vectors.layer.titles)).flatMap(([stage, title]) => {
    const number = ui.decimals(rows[stage][key], state.places);
    return stage === "scores" ? [step([...sumOf(), ` = ${number}`])] : [" → ", step(`${title} = ${number}`)];
  });
  const end = masked ? "masked: this query may not look here" : `weight ${ui.decimals(rows.weights[key], 4)}`;
  return [...names, ...before, ...steps, " → ", step(end)];
}

const sumOf = () => ["Σ ", ui.make("b", { class: "query" }, "q"), ui.make("sub", {}, "i"), "·", ui.make("b", { class: "key" }, "k"), ui.make("sub", {}, "i")];
const step = (content) => ui.make("span", { class: "step" }, ...[content].flat());

function name(state, side, index) {
  return ui.make("b", { class: side, dir: "auto" }, "“", ...ui.named(state.strips[side].list, index), "”");
}

/** The largest few in words, and how much they make together. */
function largestIn(state) {
  const { units, sum } = state.made;
  const top = [...units].sort((a, b) => Math.abs(b.product) - Math.abs(a.product)).slice(0, NAMED).filter(({ product }) => product !== 0);
  if (!top.length) return ["Every product is 0."];
  const words = top.map((one, i) => `${i || one.dims.length > 1 ? "" : "dimension "}${one.dims.join(" and ")} ${one.dims.length > 1 ? "give" : "gives"} ${signed(state, one.product)}${i ? "" : ` of ${ui.decimals(sum, state.places)}`}`);
  const start = isPaired(state) ? "The largest products: dimensions " : "The largest products: ";
  const before = state.made.before === null ? "" : ` With both tokens at one place the score would be ${ui.decimals(state.made.before, state.places)}.`;
  return [`${start}${words.join(", ")}.${before}`];
}

/** The rows of bars: {label, height, values by unit, low, high} and how they are drawn. Rows that compare share a range. */
function rowsOf(state) {
  const { order } = state.made;
  const { palette } = state;
  const paired = isPaired(state);
  const list = (own) => order.map((one) => one[own]);
  const sign = (value) => ui.css(ui.mix(palette.scores, value < 0 ? 0.12 : 0.88));
  const frame = paired ? list("most") : null;
  const parts = rangeOf([...list("q"), ...list("k")]);
  const wholes = rangeOf([...list("product"), ...(state.made.before === null ? [] : list("before")), ...(frame ? frame.flatMap((most) => [most, -most]) : [])]);
  const product = (own, label) => ({ label, height: HEIGHTS.product, values: list(own), ...wholes, frame, colour: sign });
  let far = 0;
  const sums = order.map((one) => (far += one.product));
  return [
    { label: paired ? "‖q‖" : "q", height: HEIGHTS.part, values: list("q"), ...parts, colour: () => palette.query, ink: palette.query },
    { label: paired ? "‖k‖" : "k", height: HEIGHTS.part, values: list("k"), ...parts, colour: () => palette.key, ink: palette.key },
    product("product", "q·k"), ...(state.made.before === null ? [] : [product("before", "before")]),
    { label: "Σ so far", height: HEIGHTS.sum, values: sums, ...rangeOf(sums), line: true },
  ];
}

/** From the least to the largest number, with 0 between them. */
function rangeOf(values) {
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [0, 0]);
  return { low, high: low === high ? 1 : high };
}

function drawBars(state) {
  const { canvas, root } = state.bars;
  const rows = rowsOf(state);
  const { width } = state;
  const height = rows.reduce((sum, row) => sum + row.height + GAP, GAP / 2) + 18;
  const ratio = globalThis.devicePixelRatio || 1;
  const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
  if (canvas.width !== size.width || canvas.height !== size.height) {
    Object.assign(canvas, size);
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  let top = GAP / 2;
  for (const row of rows) {
    drawRow(state, pen, row, top, width);
    top += row.height + GAP;
  }
  numberColumns(state, pen, top, width);
  root.setAttribute("aria-label", `${rows.map(({ label }) => label).join(", ")} by ${isPaired(state) ? "pair" : "dimension"}. Arrow keys walk. ${state.largest.textContent}`);
}

/** One row: bars up and down from its own zero, or the line of what they sum to so far. */
function drawRow(state, pen, row, top, width) {
  const unit = row.height / (row.high - row.low);
  const zero = top + row.high * unit;
  const step = (width - GUTTER) / row.values.length;
  labels(state, pen, row, top, zero);
  pen.fillStyle = state.palette.line;
  pen.fillRect(GUTTER, zero - 0.5, width - GUTTER, 1);
  if (row.line) line(state, pen, row, zero, unit, step);
  else row.values.forEach((value, i) => drawBar(state, pen, row, { value, most: row.frame?.[i], left: GUTTER + i * step, step, zero, unit }));
}

/** A bar, and around a pair's the frame of what its product could be at any distance. */
function drawBar({ palette }, pen, row, { value, most, left, step, zero, unit }) {
  const gap = step >= 6 ? 2 : step >= 3 ? 1 : 0;
  if (most !== undefined) {
    pen.strokeStyle = palette.line;
    pen.strokeRect(left + gap / 2 + 0.5, zero - most * unit, Math.max(step - gap - 1, 0.5), 2 * most * unit);
  }
  pen.fillStyle = row.colour(value);
  pen.fillRect(left + gap / 2, value < 0 ? zero : zero - value * unit, step - gap, Math.abs(value) * unit);
}

function line(state, pen, { values }, zero, unit, step) {
  pen.strokeStyle = state.palette.ink;
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
function labels({ palette }, pen, { label, low, high, height, ink }, top, zero) {
  const end = (value, y) => value !== 0 && pen.fillText(ui.number(value, 3), GUTTER - 8, y);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.font = FONT;
  pen.fillStyle = palette.muted;
  end(high, top + 3);
  end(low, top + height - 3);
  pen.font = BOLD;
  pen.fillStyle = ink ?? palette.ink;
  pen.fillText(label, GUTTER - 8, Math.min(Math.max(zero, top + 18), top + height - (low < 0 ? 18 : 7)));
}

/** The numbers of the dimensions under their bars, as many as have room. */
function numberColumns(state, pen, top, width) {
  const { order } = state.made;
  const step = (width - GUTTER) / order.length;
  pen.font = FONT;
  const words = order.map(({ dims }) => dims.join("·"));
  const longest = words.reduce((one, other) => (other.length > one.length ? other : one), "");
  const widest = pen.measureText(longest).width + 6;
  const every = Math.max(1, Math.ceil(widest / step));
  pen.textAlign = "center";
  pen.fillStyle = state.palette.muted;
  for (let i = 0; i < order.length; i += every) pen.fillText(words[i], GUTTER + (i + 0.5) * step, top + 6);
}

// The table

const DEGREES = 180 / Math.PI;
const angle = (cos) => (cos === null || cos === undefined ? "" : `${Math.round(Math.acos(Math.min(1, Math.max(-1, cos))) * DEGREES)}°`);

/** [title, cell(unit), class] of each column. */
function columnsOf(state) {
  const paired = isPaired(state);
  const fine = (value) => ui.number(value, 4);
  const columns = [
    [paired ? "dimensions" : "dimension", ({ dims }) => dims.join(" and "), ""],
    [paired ? "‖q‖" : "q", ({ q }) => fine(q), "query"], [paired ? "‖k‖" : "k", ({ k }) => fine(k), "key"],
  ];
  if (paired) columns.push(["angle", ({ cos }) => angle(cos), ""]);
  columns.push(["q·k", ({ product }) => fine(product), ""]);
  if (state.made.before !== null) {
    columns.push(["angle before turning", ({ beforeCos }) => angle(beforeCos), ""], ["q·k before turning", ({ before }) => fine(before), ""]);
  }
  return columns;
}

/** Of the chosen pair alone: a pair under the pointer is gone before a table is read. */
function fillTable(state, pair) {
  state.scroll.hidden = !taste.table;
  if (!taste.table) return;
  const columns = columnsOf(state);
  const head = ui.make("tr", {}, ...columns.map(([title, , kind]) => ui.make("th", { scope: "col", class: kind }, title)));
  const lines = state.made.order.map((one) => {
    const cells = columns.map(([, cell], i) => (i ? ui.make("td", {}, cell(one)) : ui.make("th", { scope: "row" }, cell(one))));
    return ui.make("tr", {}, ...cells);
  });
  const sums = { "q·k": state.made.sum, "q·k before turning": state.made.before };
  const sum = columns.map(([title], i) => (i ? ui.make("td", {}, title in sums ? ui.number(sums[title], 5) : "") : ui.make("th", { scope: "row" }, "sum")));
  const caption = ui.make("caption", {}, name(state, "query", pair.query), " · ", name(state, "key", pair.key));
  state.table.replaceChildren(caption, ui.make("thead", {}, head), ui.make("tbody", {}, ...lines), ui.make("tfoot", {}, ui.make("tr", {}, ...sum)));
}

// Marks

/** What is pinned, what is chosen and what is under the pointer, on strips and bars; and its numbers in words. */
function mark(state) {
  if (!state.vectors || !state.made) return;
  const one = unitAt(state);
  const pins = table.pins(state.shown.look);
  markStrip(state.strips.query, [...pins.map((row) => ({ row, kind: "pin" })), ...(pins.includes(state.pair.query) ? [] : [{ row: state.pair.query, kind: "asks" }])], state, one);
  markStrip(state.strips.key, [{ row: state.pair.key, kind: "chosen" }], state, one);
  const place = one ? state.made.order.indexOf(one) : -1;
  const { band } = state.bars;
  band.hidden = place < 0;
  if (place >= 0) {
    const step = (state.width - GUTTER) / state.made.order.length;
    band.style.cssText = `left: ${GUTTER + place * step}px; width: ${step}px;`;
  }
  state.readout.textContent = readoutOf(state, one);
}

function markStrip({ marks, side }, rows, state, one) {
  const [count, width] = state.vectors[side].shape;
  const row = ({ row: at, kind }) => box(kind, 0, 1, at / count, 1 / count);
  const columns = (one?.dims ?? []).map((dim) => box("column", dim / width, 1 / width, 0, 1));
  const cell = state.cell?.side === side ? [box("cell", state.cell.dim / width, 1 / width, state.cell.row / count, 1 / count)] : [];
  marks.replaceChildren(...columns, ...rows.filter(({ row: at }) => at < count).map(row), ...cell);
}

function box(kind, left, width, top, height) {
  const element = document.createElement("i");
  element.className = kind;
  element.style.cssText = `left:${100 * left}%;width:${100 * width}%;top:${100 * top}%;height:${100 * height}%`;
  return element;
}

/** The numbers under the pointer. */
function readoutOf(state, one) {
  if (!one) return "";
  const cell = state.cell ? `${cellWords(state)}; ` : "";
  const words = one.dims.length > 1 ? pairWords(state, one) : `dimension ${one.dims[0]}: ${ui.number(one.q)} × ${ui.number(one.k)} = ${signed(state, one.product)}`;
  return `${cell}${words} of ${ui.decimals(state.made.sum, state.places)}`;
}

function cellWords(state) {
  const { side, row, dim } = state.cell;
  const source = taste.back && state.before ? state.before : state.vectors;
  const value = source[side][row * source[side].shape[1] + dim];
  return `“${state.strips[side].list[row]}”, ${SIDES[side].one}, dimension ${dim}: ${ui.number(value)}`;
}

function pairWords(state, one) {
  const after = `dimensions ${one.dims.join(" and ")}: ${ui.number(one.q)} × ${ui.number(one.k)} × cos ${angle(one.cos)} = ${signed(state, one.product)}`;
  return one.before === null ? after : `${after} (before turning, cos ${angle(one.beforeCos)}: ${signed(state, one.before)})`;
}

/** Bring a row into sight within its own strip; the page does not move. */
function reveal({ scroll, sheet }, row, rows) {
  if (scroll.scrollHeight <= scroll.clientHeight + 1) return;
  const height = sheet.clientHeight / rows;
  const [top, bottom] = [row * height, (row + 1) * height];
  if (top < scroll.scrollTop || bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = (top + bottom - scroll.clientHeight) / 2;
}

export default function ({ data, parentElement }) {
  const palette = ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  const other = state.palette?.name !== palette.name;
  state.palette = palette;
  state.given = ui.parse(data);
  if (other) state.painted = "";
  draw(state);
  return () => state.stops.forEach((stop) => stop());
}
