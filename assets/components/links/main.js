/**
 * The links of a head: every query joined with the keys it looks at, by lines whose opacity is the weight.
 *
 * Two canvases, one over the other: the lines of all queries, thin, and those of the row on show. Only the tokens in
 * sight are in the document, and only what is in sight is drawn; a link that leaves the picture fades out on its way.
 */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const { desk } = await import(`${location.origin}${HEADLIGHT.base}/app/static/desk.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const table = desk(ui);
const states = new WeakMap();

const ROW = 26;
const TALLEST = 520;
const SPARE = 2;
// Tokens a side up to which the lines of all queries are drawn; beyond, only those of the rows on show.
const ALL_UP_TO = 160;
// Half a step of a canvas with 8 bits a channel: what is fainter cannot be seen.
const FAINTEST = 1 / 510;
const LISTED = 24;
// Letters from which on a name may be cut, so that the pointer tells the whole of it.
const LONG_NAME = 10;
const SLICE_MS = 6;
const MOST_BESIDE = 7;
const MOST_PIXELS = 2;
const WIDEST = { line: 420, token: 190 };
const STUB = 34;
// In a thin line that is fainter nobody sees the dashes, and they take their time.
const DASHED_FROM = 0.05;
// A beginning fainter than this is gone before the eye finds it.
const FAINT_STUB = 0.02;
// What lies out of sight is told from here on.
const TELLING = 0.005;
// How far an arc stands out, as a part of its length.
const BULGE = 0.55;
const TOPS = [0, 1, 3, 5, 10];
// The first is the head in view, which wears the colour of weights. The hues of Okabe and Ito, moved until all eight
// keep apart under the three kinds of colour blindness, and stand 3:1 or more against the paper.
const MAIN = 12 / 16;
const COLOURS = {
  light: ["#1a98bc", "#885200", "#177c65", "#fc3ba2", "#1d3c6e", "#9c842d", "#672708"],
  dark: ["#fed667", "#048cfc", "#4eeed7", "#e59d83", "#c62975", "#97820a", "#4074b0"],
};
const DASHES = [[], [8, 4], [2, 3], [12, 3, 2, 3], [5, 2], [1, 5], [16, 5], [6, 3, 1, 3, 1, 3]];
const BELOW = "Thickness and opacity are weights: how much of a key’s value is taken, not what that value says, and not what"
  + " the head changes in the result.";

// The document

function build(parent) {
  const state = {
    arcs: false, at: null, held: null, rows: new Map(), heads: [], missing: [], lines: null, all: null, stale: true, frame: 0,
    columns: {}, shades: { query: null, key: null }, size: { width: 0, height: 0 }, listed: [], stops: null,
  };
  state.title = ui.make("span", { class: "label" }, "Heads");
  state.chips = ui.make("div", { class: "chips", role: "group", "aria-label": "Heads that are drawn" });
  state.readout = ui.make("span", { class: "readout" });
  state.shape = ui.make("div", { class: "shape", role: "group", "aria-label": "How the tokens stand" },
    ...["columns", "arcs"].map((name) => ui.make("button", { type: "button", class: "switch", "data-shape": name }, name)));
  state.late = ui.make("p", { class: "note", role: "status", hidden: true });
  state.missed = ui.make("p", { class: "note", hidden: true });
  state.words = ui.make("p", { class: "note", role: "status", hidden: true });
  state.rest = ui.make("canvas", { class: "lines rest", "aria-hidden": "true" });
  state.strong = ui.make("canvas", { class: "lines strong", "aria-hidden": "true" });
  for (const side of ["query", "key"]) state.columns[side] = column(state, side);
  state.headings = ui.make("div", { class: "headings", "aria-hidden": "true" },
    ui.make("span", { class: "queries" }, "queries"), ui.make("span", { class: "keys" }, "keys"));
  state.sides = ui.make("p", { class: "note", hidden: true });
  state.area = ui.make("div", { class: "area" });
  state.stage = ui.make("div", { class: "stage" }, state.columns.query.element, state.area, state.columns.key.element, state.rest, state.strong);
  state.caption = ui.make("caption", {});
  state.heading = ui.make("tr", {});
  state.body = ui.make("tbody", {});
  state.list = ui.make("div", { class: "list", tabIndex: 0, role: "region", "aria-label": "The links on show as a table" },
    ui.make("table", {}, state.caption, ui.make("thead", {}, state.heading), state.body));
  state.drawn = ui.make("span", { class: "drawn", role: "status" });
  state.least = ui.make("input", { type: "range", min: "0", max: "1", step: "0.01", class: "least", "aria-label": "Smallest weight that is drawn" });
  state.leastWords = ui.make("output", { class: "number" });
  state.top = ui.make("select", { class: "top", "aria-label": "Most links of a token that are drawn" });
  const foot = ui.make("div", { class: "foot" },
    state.drawn, state.readout,
    ui.make("label", {}, "weight from ", state.least, state.leastWords),
    ui.make("label", {}, "strongest of a token ", state.top));
  parent.append(ui.make("div", { class: "links" },
    ui.make("div", { class: "top-line" }, state.title, state.chips, state.shape),
    state.missed,
    ui.make("div", { class: "body" }, ui.make("div", { class: "picture" }, state.headings, state.stage, state.sides), state.list),
    // Below the picture, so that no word that comes and goes moves a token from under the pointer.
    foot, state.late, state.words, ui.make("p", { class: "below" }, BELOW)));
  wire(state);
  return state;
}

function wire(state) {
  state.shape.addEventListener("click", (event) => {
    const name = event.target.closest("[data-shape]")?.dataset.shape;
    if (!name) return;
    state.arcs = name === "arcs";
    layOut(state);
  });
  state.least.addEventListener("input", () => table.change({ least: Number(state.least.value) }));
  state.top.addEventListener("change", () => table.change({ top: Number(state.top.value) }));
  state.chips.addEventListener("click", (event) => choose(state, event.target.closest("[data-do]")));
  state.chips.addEventListener("change", (event) => {
    if (event.target.value) beside(state, [...besides(state), event.target.value.split(".").map(Number)]);
  });
  state.stage.addEventListener("wheel", (event) => wheel(state, event), { passive: false });
  state.body.addEventListener("pointerover", (event) => pointList(state, event.target.closest("tr")));
  state.body.addEventListener("pointerleave", () => leave(state));
  state.body.addEventListener("click", (event) => find(state, event.target.closest("tr")));
  for (const [name, canvas] of [["rest", state.rest], ["strong", state.strong]]) {
    // What is drawn, for whoever wants to read it instead of seeing it.
    Object.defineProperty(canvas, "links", { get: () => written(state, name) });
  }
}

/** Over the lines the wheel moves both columns; over a column the browser moves that one. */
function wheel(state, event) {
  if (event.ctrlKey || event.target.closest(".column")) return;
  const before = ["query", "key"].map((side) => state.columns[side].element.scrollTop);
  for (const side of ["query", "key"]) state.columns[side].element.scrollTop += event.deltaY * (event.deltaMode ? ROW : 1);
  if (["query", "key"].some((side, i) => state.columns[side].element.scrollTop !== before[i])) event.preventDefault();
}

// The columns: list boxes of which only the options in sight exist

function column(state, side) {
  const sizer = ui.make("div", { class: "sizer", role: "presentation" });
  const element = ui.make("div", { class: `column ${side}`, role: "listbox", tabIndex: 0, "aria-multiselectable": "true" }, sizer);
  const own = { side, element, sizer, nodes: new Map(), active: 0, tokens: [], names: [], scroll: 0 };
  element.addEventListener("pointerover", (event) => point(state, own, placeOf(event)));
  element.addEventListener("pointerleave", () => leave(state));
  element.addEventListener("click", (event) => press(state, own, placeOf(event), event));
  element.addEventListener("keydown", (event) => move(state, own, event));
  element.addEventListener("focus", () => {
    if (!element.matches(":focus-visible")) return;
    reveal(state, own, own.active);
    point(state, own, own.active);
  });
  element.addEventListener("blur", () => leave(state));
  element.addEventListener("scroll", () => {
    populate(state, own);
    state.stale = true;
    later(state);
  });
  return own;
}

const placeOf = (event) => {
  const token = event.target.closest(".token");
  return token ? Number(token.dataset.place) : null;
};

/** Arrow keys walk, Enter pins, Escape leaves; the page's own arrow keys stay out of it. */
function move(state, own, event) {
  if (event.altKey) return;
  const enters = event.key === "Enter" || event.key === " ";
  if (enters) press(state, own, own.active, event);
  if (event.key === "Escape") {
    hold(state, null);
    own.element.blur();
  }
  const page = Math.max(1, Math.floor(state.size.height / ROW) - 1);
  const by = {
    ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity,
  }[event.key];
  if (!by && !enters && event.key !== "Escape") return;
  event.preventDefault();
  event.stopPropagation();
  if (!by || event.ctrlKey || event.metaKey) return;
  own.active = Math.min(own.tokens.length - 1, Math.max(0, own.active + by));
  reveal(state, own, own.active);
  point(state, own, own.active);
  activate(own);
}

/** Tell which option the keyboard is on. */
function activate(own) {
  for (const [place, node] of own.nodes) node.classList.toggle("active", place === own.active);
  own.element.setAttribute("aria-activedescendant", own.nodes.get(own.active)?.id ?? "");
}

/** Bring a token into sight within its own column; `centred` where it should stand in the middle. */
function reveal(state, own, place, centred = false) {
  const [top, height] = [place * ROW, state.size.height];
  if (top >= own.scroll && top + ROW <= own.scroll + height) return;
  if (centred) own.element.scrollTop = top - height / 2 + ROW / 2;
  else own.element.scrollTop = top < own.scroll ? top : top + ROW - height;
  populate(state, own);
}

/** Make the tokens that came into sight, and drop those that left it. */
function populate(state, own) {
  // Kept, for asking the element while something else has changed makes the browser lay out the page at once.
  own.scroll = own.element.scrollTop;
  const first = Math.max(0, Math.floor(own.scroll / ROW) - SPARE);
  const end = Math.min(own.tokens.length, Math.ceil((own.scroll + state.size.height) / ROW) + SPARE);
  for (const [place, node] of own.nodes) {
    if (place >= first && place < end) continue;
    node.remove();
    own.nodes.delete(place);
  }
  for (let place = first; place < end; place++) {
    if (own.nodes.has(place)) continue;
    const node = token(own, place);
    own.nodes.set(place, node);
    own.sizer.append(node);
    dressToken(state, own, place, node);
  }
  activate(own);
}

function token(own, place) {
  const given = own.tokens[place];
  const node = ui.make("div", {
    class: "token", role: "option", id: `${own.side}-${place}`, "data-place": place,
    "aria-setsize": own.tokens.length, "aria-posinset": place + 1,
  });
  node.style.top = `${place * ROW}px`;
  if (given.text.length > LONG_NAME) node.title = given.text;
  if (given.special) node.classList.add("special");
  if (place > 0 && given.segment !== own.tokens[place - 1].segment) node.classList.add("second");
  const name = ui.make("span", { class: "name" });
  if (given.mark) name.append(ui.make("span", { class: "mark" }, given.mark));
  name.append(ui.make("span", { dir: "auto" }, given.text));
  node.append(name, ...ui.named(own.names, place).slice(1));
  return node;
}

// What a person does

const isQuery = (state, own) => own.side === "query" || state.run.tokens.same;

function point(state, own, place) {
  if (place === null || (state.at?.from === "links" && state.at[own.side] === place)) return;
  ui.say("hover", { query: own.side === "query" ? place : null, key: own.side === "key" ? place : null, from: "links" });
}

/** The pointer in the table looks at one link of the row on show. */
function pointList(state, line) {
  const subject = subjectOf(state);
  if (line?.dataset.place === undefined || subject.places.length !== 1 || subject.side !== "query") return;
  ui.say("hover", { query: subject.places[0], key: Number(line.dataset.place), from: "links" });
}

/** A click in the table brings its token into sight. */
function find(state, line) {
  if (line?.dataset.place === undefined) return;
  const side = state.arcs || state.subject.side === "key" ? "query" : "key";
  reveal(state, state.columns[side], Number(line.dataset.place), true);
}

function leave(state) {
  if (state.at) ui.say("hover", null);
}

function press(state, own, place, event) {
  if (place === null || !state.run) return;
  own.active = place;
  if (isQuery(state, own)) {
    state.held = null;
    table.pin(place, { several: table.isSeveral(event) });
  } else {
    hold(state, state.held === place ? null : place);
  }
  activate(own);
}

/** Keep the links that arrive at a key while nothing is hovered. */
function hold(state, place) {
  state.held = place;
  state.lines = null;
  later(state);
}

function choose(state, button) {
  const { heads } = state;
  if (button?.dataset.do === "drop") beside(state, besides(state).filter(([layer, head]) => nameOf(layer, head) !== button.dataset.head));
  if (button?.dataset.do === "none") beside(state, []);
  if (button?.dataset.do === "layer") {
    const others = here(state).filter(([layer, head]) => layer === state.look.layer && !heads.some((own) => own.name === nameOf(layer, head)));
    beside(state, [...besides(state), ...others]);
  }
}

const nameOf = (layer, head) => `${layer}.${head}`;
const besides = (state) => state.look.beside.filter(([layer, head]) => nameOf(layer, head) !== nameOf(state.look.layer, state.look.head));
const beside = (state, heads) => table.change({ beside: heads.slice(0, MOST_BESIDE) });

/** All heads that travelled, [layer, head]. */
const here = (state) => state.run.layers.flatMap((own) => own.heads.map((head) => [own.layer, head]));

// The numbers

/** The heads to draw: the one in view, and those beside it; each keeps its rows as long as nothing changes them. */
function gather(state) {
  const { run, look } = state;
  const told = JSON.stringify([run.id, look.temperature, look.hide, look.rest]);
  const rows = new Map();
  const wanted = [[look.layer, look.head, 0], ...look.beside.map(([layer, head], i) => [layer, head, i + 1])];
  state.heads = [];
  state.missing = [];
  for (const [layer, number, slot] of wanted) {
    const name = nameOf(layer, number);
    if (slot && name === nameOf(look.layer, look.head)) continue;
    const kept = state.rows.get(name);
    const same = slot && kept?.told === told && table.hasHead(layer, number);
    const head = same ? kept.head : slot ? table.headAt(layer, number) : state.head;
    if (!head) {
      state.missing.push(name);
      continue;
    }
    const own = kept?.head === head ? kept : { name, layer, number, head, told, known: new Array(head.queries) };
    own.slot = slot;
    rows.set(name, own);
    state.heads.push(own);
  }
  state.rows = rows;
}

/** One row of one head: {weights, open: how many keys it may see, total: what they have together}; null where unknown. */
function rowOf(own, query) {
  if (own.known[query] === undefined) own.known[query] = makeRow(own.head, query);
  return own.known[query];
}

function makeRow(head, query) {
  const weights = head.row("weights", query);
  if (!weights) return null;
  const allowed = head.allowed(query);
  let [open, total] = [0, 0];
  for (let key = 0; key < weights.length; key++) {
    if (!allowed[key]) continue;
    open += 1;
    if (weights[key] > 0) total += weights[key];
  }
  return { weights, allowed, open, total };
}

/** The keys of a row whose links are drawn: those with a weight, not below `least`, and the `top` largest of them. */
function chosen({ weights, allowed }, { least, top }) {
  const keys = [];
  for (let key = 0; key < weights.length; key++) {
    if (allowed[key] && weights[key] > 0 && weights[key] >= least) keys.push(key);
  }
  if (!top || keys.length <= top) return keys;
  return keys.sort((a, b) => weights[b] - weights[a] || a - b).slice(0, top);
}

/** Whether one key is among them, without sorting the row. */
function isChosen({ weights, allowed }, key, { least, top }) {
  const weight = weights[key];
  if (!allowed[key] || !(weight > 0) || weight < least) return false;
  if (!top) return true;
  let before = 0;
  for (let other = 0; other < weights.length && before < top; other++) {
    if (weights[other] > weight || (weights[other] === weight && other < key)) before += allowed[other];
  }
  return before < top;
}

const noLines = () => ({ slots: [], queries: [], keys: [], weights: [], open: 0, total: 0, carried: 0, faint: 0, unknown: false, waits: false });

function addLine(lines, slot, query, key, weight) {
  lines.slots.push(slot);
  lines.queries.push(query);
  lines.keys.push(key);
  lines.weights.push(weight);
  lines.carried += weight;
  if (weight < FAINTEST) lines.faint += 1;
}

/** The links of whole rows, head by head. */
function linesOf(state, queries) {
  const lines = noLines();
  for (const own of state.heads) {
    for (const query of queries) {
      const row = rowOf(own, query);
      if (!row) {
        lines.unknown = true;
        continue;
      }
      lines.open += row.open;
      lines.total += row.total;
      for (const key of chosen(row, state.look)) addLine(lines, own.slot, query, key, row.weights[key]);
    }
  }
  return lines;
}

/** The links that arrive at a key. Rows that nobody has asked for yet are made bit by bit, in the frames to come. */
function linesTo(state, key) {
  const lines = noLines();
  const end = performance.now() + SLICE_MS;
  for (const own of state.heads) {
    for (let query = 0; query < own.head.queries; query++) {
      if (own.known[query] === undefined && performance.now() > end) {
        lines.waits = true;
        break;
      }
      const row = rowOf(own, query);
      if (!row) {
        lines.unknown = true;
        continue;
      }
      if (!row.allowed[key]) continue;
      lines.open += 1;
      if (row.weights[key] > 0) lines.total += row.weights[key];
      if (isChosen(row, key, state.look)) addLine(lines, own.slot, query, key, row.weights[key]);
    }
  }
  return lines;
}

/** What is on show: {side, places, key, hovered}. side "query": rows; "key": what arrives at one key. */
function subjectOf(state) {
  const { queries, keys } = state.run.tokens;
  const at = state.at;
  const [query, key] = [within(at?.query, queries), within(at?.key, keys)];
  if (query !== null) return { side: "query", places: [query], key, hovered: true };
  if (key !== null) return { side: "key", places: [key], key, hovered: true };
  if (state.held !== null && within(state.held, keys) !== null) return { side: "key", places: [state.held], key: state.held, hovered: true };
  return { side: "query", places: table.pins(state.look).filter((place) => within(place, queries) !== null), key: null, hovered: false };
}

const within = (place, tokens) => (Number.isInteger(place) && place >= 0 && place < tokens.length ? place : null);

const isLong = (state) => Math.max(state.run.tokens.queries.length, state.run.tokens.keys.length) > ALL_UP_TO;

// Drawing, at most once a frame

function later(state) {
  state.frame ||= requestAnimationFrame(() => {
    state.frame = 0;
    draw(state);
  });
}

/** Draw what changed: `lines` and `all` are null where they must be counted anew, `stale` where all must be painted. */
function draw(state) {
  if (!state.run || !state.size.width) return;
  const subject = subjectOf(state);
  const rests = !subject.hovered && !isLong(state);
  if (rests && !state.all) {
    state.all = linesOf(state, others(state, subject));
    state.stale = true;
  }
  if (!state.lines) {
    state.subject = subject;
    state.lines = subject.side === "query" ? linesOf(state, subject.places) : linesTo(state, subject.places[0]);
    list(state, subject);
    shade(state, subject);
    say(state, subject);
  }
  if (rests && state.stale) {
    paint(state, state.rest, state.all, false);
    state.stale = false;
  }
  paint(state, state.strong, state.lines, true);
  state.rest.style.visibility = rests ? "" : "hidden";
  if (!state.lines.waits) return;
  state.lines = null;
  later(state);
}

/** The rows of the thin lines: all but the pinned ones, so that no link is drawn twice. */
function others(state, { places }) {
  const pinned = new Set(places);
  return state.run.tokens.queries.map((_, place) => place).filter((place) => !pinned.has(place));
}

/** One link's opacity is its weight, whatever else is drawn. */
const alphaOf = (weight) => Math.min(1, weight);

/** What a canvas shows, link by link. */
function written(state, name) {
  const lines = name === "rest" ? state.all : state.lines;
  if (!lines || (name === "rest" && state.rest.style.visibility === "hidden")) return [];
  const bySlot = new Map(state.heads.map((own) => [own.slot, own]));
  return lines.weights.map((weight, i) => {
    const own = bySlot.get(lines.slots[i]);
    return { layer: own.layer, head: own.number, query: lines.queries[i], key: lines.keys[i], weight, alpha: alphaOf(weight) };
  });
}

const colourOf = (state, slot) => (slot ? COLOURS[state.palette.name][slot - 1] : ui.css(ui.mix(state.palette.weights, MAIN)));

function paint(state, canvas, lines, strong) {
  const { width, height } = state.size;
  const scale = Math.min(MOST_PIXELS, globalThis.devicePixelRatio || 1);
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.lineCap = "butt";
  const way = geometry(state);
  const count = state.heads.length;
  const step = Math.min(3, 18 / Math.max(1, count));
  const order = strong ? faintFirst(lines) : null;
  let slot = -1;
  let shift = 0;
  let wasDashed = null;
  for (let n = 0; n < lines.weights.length; n++) {
    const i = order ? order[n] : n;
    const weight = lines.weights[i];
    if (weight < FAINTEST) continue;
    if (lines.slots[i] !== slot) {
      slot = lines.slots[i];
      pen.strokeStyle = colourOf(state, slot);
      wasDashed = null;
      const place = state.heads.findIndex((own) => own.slot === slot);
      shift = (place - (count - 1) / 2) * step;
    }
    const dashed = strong || weight >= DASHED_FROM;
    if (dashed !== wasDashed) {
      pen.setLineDash(dashed ? DASHES[slot] : []);
      wasDashed = dashed;
    }
    pen.lineWidth = strong ? 1.5 + 5.5 * weight : 0.75 + 1.5 * weight;
    stroke(pen, way, lines.queries[i], lines.keys[i], shift, alphaOf(weight));
  }
  pen.globalAlpha = 1;
  pen.setLineDash([]);
  if (strong) annotate(state, pen, way);
}

/** The order in which heavy lines come last, head by head so that the pen changes seldom. */
function faintFirst({ slots, weights }) {
  return [...weights.keys()].sort((a, b) => slots[b] - slots[a] || weights[a] - weights[b]);
}

/** Where lines begin and end, in pixels of the stage. */
function geometry(state) {
  const { query, key } = state.columns;
  const other = state.arcs ? query : key;
  return {
    arcs: state.arcs, height: state.size.height, from: state.edges.from, to: state.edges.to, left: state.edges.left,
    reach: state.edges.reach, topOf: { query: query.scroll, key: other.scroll },
  };
}

function stroke(pen, way, query, key, shift, alpha) {
  const [y, z] = [query * ROW + ROW / 2 - way.topOf.query + shift, key * ROW + ROW / 2 - way.topOf.key + shift];
  const [seen, met] = [y > 0 && y < way.height, z > 0 && z < way.height];
  if (!seen && !met) return;
  const x = way.arcs && key > query ? way.left : way.from;
  const side = way.arcs && key > query ? -1 : 1;
  if (seen && met) {
    pen.globalAlpha = alpha;
    pen.beginPath();
    if (way.arcs) arc(pen, x, y, z, side, way.reach);
    else {
      const middle = (way.from + way.to) / 2;
      pen.moveTo(way.from, y);
      pen.bezierCurveTo(middle, y, middle, z, way.to, z);
    }
    pen.stroke();
    return;
  }
  if (alpha < FAINT_STUB) return;
  const end = way.arcs || seen ? x : way.to;
  stub(pen, end, seen ? y : z, way.arcs ? side : seen ? 1 : -1, Math.sign(seen ? z - y : y - z), alpha);
}

function arc(pen, x, y, z, side, reach) {
  const out = side * Math.min(reach, 16 + Math.abs(z - y) * BULGE) * (4 / 3);
  const loop = y === z ? 6 : 0;
  pen.moveTo(x, y - loop);
  pen.bezierCurveTo(x + out, y - loop, x + out, z + loop, x, z + loop);
}

/** The beginning of a link that leaves the picture; it fades out, so it promises no end. */
function stub(pen, x, y, side, down, alpha) {
  for (let part = 0; part < 3; part++) {
    const [a, b] = [part / 3, (part + 1) / 3];
    pen.globalAlpha = alpha * (1 - part / 3);
    pen.beginPath();
    pen.moveTo(x + side * STUB * a, y + down * STUB * 0.6 * a * a);
    pen.lineTo(x + side * STUB * b, y + down * STUB * 0.6 * b * b);
    pen.stroke();
  }
}

/** Beside the lines: what a learned sink takes of each row on show, and how much goes to where one cannot see. */
function annotate(state, pen, way) {
  const { subject } = state;
  pen.font = '400 13px "Source Sans 3", sans-serif';
  pen.textBaseline = "middle";
  if (subject.side !== "query") return;
  for (const query of subject.places) {
    const y = query * ROW + ROW / 2 - way.topOf.query;
    const share = sinkOf(state.heads.find((own) => own.slot === 0), query);
    if (share !== null && y > 0 && y < way.height) sinkStub(state, pen, way.from, y, share);
  }
  outOfSight(state, pen, way, subject);
}

/** A short line that bends away from the keys, for what goes to no token. */
function sinkStub(state, pen, x, y, share) {
  const text = `sink ${ui.decimals(share, 2)}`;
  const down = y + ROW < state.size.height ? 1 : -1;
  const z = y + (down * ROW) / 2;
  pen.fillStyle = state.palette.paper;
  pen.globalAlpha = 0.85;
  pen.fillRect(x + 18, z - 9, pen.measureText(text).width + 8, 18);
  pen.globalAlpha = 1;
  pen.strokeStyle = pen.fillStyle = state.palette.muted;
  pen.lineWidth = 1 + 5 * share;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.quadraticCurveTo(x + 4, z, x + 18, z);
  pen.stroke();
  pen.fillText(text, x + 22, z);
}

/** The share of one row that lies above and below the keys in sight. */
function outOfSight(state, pen, way, { places }) {
  const row = places.length === 1 && state.heads[0] ? rowOf(state.heads[0], places[0]) : null;
  if (!row) return;
  const first = Math.ceil((way.topOf.key - ROW / 2) / ROW);
  const last = Math.floor((way.topOf.key + way.height - ROW / 2) / ROW);
  const sum = (low, high) => row.weights.subarray(Math.max(0, low), Math.max(0, high)).reduce((all, weight) => all + (weight > 0 ? weight : 0), 0);
  pen.fillStyle = state.palette.ink;
  const [above, below] = [sum(0, first), sum(last + 1, row.weights.length)];
  const whose = state.heads.length > 1 ? `${state.heads[0].name}: ` : "";
  pen.textAlign = way.arcs ? "left" : "right";
  if (above >= TELLING) pen.fillText(`${whose}↑ ${ui.decimals(above, 2)} further up`, way.arcs ? way.from + 6 : way.to - 6, 10);
  pen.textAlign = "right";
  if (below >= TELLING) pen.fillText(`${whose}↓ ${ui.decimals(below, 2)} further down`, way.arcs ? way.left - 6 : way.to - 6, way.height - 10);
  pen.textAlign = "left";
}

/** A learned sink’s share of one row, or null. */
const sinkOf = (own, query) => own?.head.sinkShare(query) ?? null;

// Words and the table

/** The weights of what is on show, by head: [{own, values}], over keys, or over queries for one key. */
function valuesOf(state, { side, places }) {
  return state.heads.map((own) => {
    if (side === "key") {
      return { own, values: Float32Array.from({ length: own.head.queries }, (_, query) => {
        const row = own.known[query];
        return row && row.allowed[places[0]] ? row.weights[places[0]] : NaN;
      }) };
    }
    const rows = places.map((query) => rowOf(own, query));
    if (!rows.length || rows.includes(null)) return { own, values: null };
    return { own, values: blend(rows, state.look.together) };
  });
}

/** Several rows as one, the mean of them or their sum; NaN where none of them may look. */
function blend(rows, how) {
  const part = how === "mean" ? rows.length : 1;
  return rows[0].weights.map((_, key) => {
    const seen = rows.filter((row) => row.allowed[key]);
    return seen.length ? seen.reduce((sum, row) => sum + row.weights[key], 0) / part : NaN;
  });
}

function list(state, subject) {
  state.columnsOf = valuesOf(state, subject);
  const { side } = subject;
  const tokens = side === "query" ? state.columns.key : state.columns.query;
  const known = state.columnsOf.filter(({ values }) => values);
  state.caption.replaceChildren(...captionOf(state, subject));
  const several = state.columnsOf.length > 1;
  state.list.classList.toggle("several", several);
  state.heading.replaceChildren(
    ui.make("th", { scope: "col" }, side === "query" ? "key" : "query"),
    ...known.map(({ own }) => ui.make("th", { scope: "col" }, ...(several ? [swatch(state, own.slot), own.name] : ["weight"]))));
  const order = known.length ? sorted(known[0].values) : [];
  const listed = order.slice(0, LISTED);
  const rows = listed.map((place) => ({ place, name: ui.named(tokens.names, place), numbers: known.map(({ values }) => values[place]) }));
  const rest = order.slice(LISTED);
  if (rest.length) {
    const name = [`${count(rest.length)} others`];
    rows.push({ place: null, name, numbers: known.map(({ values }) => rest.reduce((sum, place) => sum + (values[place] > 0 ? values[place] : 0), 0)) });
  }
  const shares = side === "query" ? known.map(({ own }) => together(subject.places.map((query) => sinkOf(own, query)), state.look.together)) : [];
  if (shares.some((share) => share !== null)) rows.push({ place: null, name: [known.some(({ own }) => own.head.hasSinkColumn === false) ? "sink (of the output)" : "sink (no token)"], numbers: shares.map((share) => share ?? NaN) });
  fill(state, rows, known.map(({ own }) => own.slot), subject);
}

function together(shares, how) {
  if (!shares.length || shares.includes(null)) return null;
  return shares.reduce((sum, share) => sum + share, 0) / (how === "mean" ? shares.length : 1);
}

/** Places that are open, by falling weight. */
function sorted(values) {
  const open = [...values.keys()].filter((place) => !Number.isNaN(values[place]));
  return open.sort((a, b) => values[b] - values[a] || a - b);
}

/** Lines of the table are kept and refilled, for this runs at each move of the pointer. */
function fill(state, rows, slots, subject) {
  const { listed } = state;
  while (listed.length < rows.length) listed.push(line());
  for (const gone of listed.splice(rows.length)) gone.element.remove();
  rows.forEach(({ place, name, numbers }, i) => {
    const own = listed[i];
    if (!own.element.isConnected) state.body.append(own.element);
    own.name.replaceChildren(...name);
    if (place === null) delete own.element.dataset.place;
    else own.element.dataset.place = place;
    own.element.classList.toggle("marked", place !== null && subject.side === "query" && place === subject.key);
    while (own.cells.length < numbers.length) own.cells.push(own.element.appendChild(cell()));
    for (const gone of own.cells.splice(numbers.length)) gone.remove();
    numbers.forEach((number, at) => {
      const [words, bar] = own.cells[at].children;
      words.textContent = Number.isNaN(number) ? "–" : ui.decimals(number, 3);
      bar.style.width = `${100 * Math.min(1, number || 0)}%`;
      bar.style.backgroundColor = colourOf(state, slots[at]);
    });
  });
}

function line() {
  const name = ui.make("th", { scope: "row", dir: "auto" });
  return { element: ui.make("tr", {}, name), name, cells: [] };
}

const cell = () => ui.make("td", {}, ui.make("span", { class: "number" }), ui.make("span", { class: "weight", "aria-hidden": "true" }));

/** What the table is about, as nodes: the token's name is never markup. */
function captionOf(state, { side, places }) {
  const { query, key } = state.columns;
  if (side === "key") return ["who takes from ", quoted(key, places[0])];
  if (!places.length) return [];
  if (places.length === 1) return ["what ", quoted(query, places[0]), " takes"];
  const how = state.look.together === "sum" ? "taken in sum" : "taken on average";
  return ["what ", ...places.flatMap((place, i) => [i ? ", " : "", quoted(query, place)]), ` (${places.length} tokens): ${how}`];
}

const quoted = (own, place) => ui.make("bdi", {}, "“", ...ui.named(own.names, place), "”");

/** The tokens' shades and rings: by the head in view, for what is on show. */
function shade(state, subject) {
  const values = state.columnsOf.find(({ own }) => own.slot === 0)?.values ?? null;
  state.shades = subject.side === "query" ? { query: null, key: values } : { query: values, key: null };
  for (const own of Object.values(state.columns)) for (const [place, node] of own.nodes) dressToken(state, own, place, node);
}

function dressToken(state, own, place, node) {
  if (!state.subject) return;
  const { side } = own;
  const { subject } = state;
  const pins = side === "query" || state.arcs ? table.pins(state.look) : [];
  const shades = state.arcs ? state.shades.key ?? state.shades.query : state.shades[side];
  const weight = shades?.[place];
  const known = weight !== undefined && !Number.isNaN(weight);
  const pinned = pins.includes(place);
  const row = side === "query" && subject.hovered && subject.side === "query" && subject.places[0] === place;
  node.classList.toggle("pinned", pinned);
  node.classList.toggle("row", row && !pinned);
  node.classList.toggle("marked", (side === "key" || state.arcs) && subject.key === place);
  node.classList.toggle("closed", weight !== undefined && !known);
  const colour = known ? ui.mix(state.palette.weights, weight) : null;
  node.style.backgroundColor = colour ? ui.css(colour) : "";
  node.style.color = colour ? ui.inkOn(colour, state.palette) : "";
  node.setAttribute("aria-selected", String(side === "query" ? pinned : state.held === place));
  const words = weight === undefined ? "" : known ? `, weight ${ui.decimals(weight, 4)}` : ", masked";
  node.setAttribute("aria-label", `${own.names[place]}${words}`);
}

/** How many links are drawn, and how much of the weight they carry. */
function say(state, subject) {
  const { lines } = state;
  const whole = subject.hovered || isLong(state) ? lines : plus(lines, state.all);
  const heads = state.heads.length > 1 ? ` of ${state.heads.length} heads` : "";
  const carried = ` links${heads}, ${percent(whole.carried, whole.total)} of ${heads ? "their" : "the"} weight`;
  const faint = whole.faint ? `; ${count(whole.faint)} of them too faint to see` : "";
  const words = `${count(whole.weights.length)} of ${count(whole.open)}${carried}${faint}`;
  // Only what stays is told aloud; the row under the pointer is written in its place.
  state.drawn.classList.toggle("unseen", subject.hovered);
  if (subject.hovered) {
    state.readout.replaceChildren(...captionOf(state, subject), lines.waits ? ": adding rows …" : `: ${words}`);
  } else {
    state.readout.replaceChildren();
    const rows = isLong(state) ? " (pinned rows only)" : "";
    if (state.drawn.textContent !== `drawn: ${words}${rows}`) state.drawn.textContent = `drawn: ${words}${rows}`;
  }
  const notes = [];
  if (lines.unknown) notes.push("The links of this row have not travelled to the browser, so they are not drawn.");
  if (isLong(state)) notes.push(`With more than ${ALL_UP_TO} tokens only the links of pinned rows, and of the token under the pointer, are drawn.`);
  if (scrolls(state) && !state.arcs) notes.push("Each column scrolls by itself; the wheel over the lines moves both. A click in the table finds its token.");
  tell(state.words, notes.join(" "));
}

/** The pinned rows’ links and all others, counted together. */
const plus = (some, others) => ({
  weights: { length: some.weights.length + others.weights.length }, open: some.open + others.open,
  total: some.total + others.total, carried: some.carried + others.carried, faint: some.faint + others.faint,
});

const count = (number) => number.toLocaleString("en");

function percent(part, whole) {
  if (!whole) return "none";
  const share = (100 * part) / whole;
  if (share > 99.5 && part < whole * (1 - 1e-6)) return "more than 99 %";
  return share > 0 && share < 0.5 ? "less than 1 %" : `${Math.round(share)} %`;
}

function tell(element, words) {
  if (element.textContent !== words) element.textContent = words;
  element.hidden = !words;
}

const scrolls = (state) => Object.values(state.columns).some((own) => own.tokens.length * ROW > state.size.height);

// The controls

/** The heads that are drawn, each with its colour and its dashes, and ways to add and drop some. */
function chips(state) {
  const { look, run, heads, missing } = state;
  const main = nameOf(look.layer, look.head);
  const told = JSON.stringify([main, look.beside, run.level, run.layers.map(({ layer, heads: own }) => [layer, own]), state.palette.name]);
  if (state.told === told) return;
  state.told = told;
  const focused = state.chips.contains(state.chips.getRootNode().activeElement);
  const shown = new Set([main, ...look.beside.map(([layer, head]) => nameOf(layer, head))]);
  const free = here(state).filter(([layer, head]) => !shown.has(nameOf(layer, head)));
  const full = besides(state).length >= MOST_BESIDE;
  state.chips.replaceChildren(
    ui.make("span", { class: "chip main", title: "the head in view" }, swatch(state, 0), main),
    ...heads.filter(({ slot }) => slot).map(({ slot, name }) => chip(name, swatch(state, slot))),
    ...missing.filter((name) => name !== main).map((name) => chip(name, null)),
    !full && free.some(([layer]) => layer === look.layer)
      ? ui.make("button", { type: "button", class: "switch", "data-do": "layer" }, "+ this layer’s other heads") : "",
    !full && free.length ? adder(free) : "",
    besides(state).length > 1 ? ui.make("button", { type: "button", class: "switch", "data-do": "none" }, `only ${main}`) : "");
  if (focused) state.chips.querySelector("select, button")?.focus();
  tell(state.missed, missed(state, full));
}

function chip(name, mark) {
  const label = mark ? `take head ${name} out of the links` : `take head ${name}, which is not here, out of the links`;
  return ui.make("button", { type: "button", class: mark ? "chip" : "chip missing", "data-do": "drop", "data-head": name, "aria-label": label },
    mark ?? "", name, ui.make("span", { class: "cross", "aria-hidden": "true" }, "×"));
}

function adder(free) {
  const layers = [...new Set(free.map(([layer]) => layer))];
  return ui.make("select", { class: "add", "aria-label": "Draw one more head" },
    ui.make("option", { value: "" }, "+ add a head"),
    ...layers.map((layer) => ui.make("optgroup", { label: `layer ${layer}` },
      ...free.filter(([own]) => own === layer).map(([, head]) => ui.make("option", { value: nameOf(layer, head) }, nameOf(layer, head))))));
}

/** Which heads are asked for and cannot be drawn, and why. */
function missed(state, full) {
  const { level } = state.run;
  const why = {
    all: "There is no such head here.", layer: "Of a text and model this large, one layer travels to the browser at a time.",
    head: "Of a text and model this large, one head travels to the browser at a time.", tiles: "Of a text this long, no other head travels to the browser.",
  }[level];
  const words = [];
  if (state.missing.length) words.push(`Not here: ${state.missing.join(", ")}. ${why}`);
  if (full) words.push(`${MOST_BESIDE + 1} heads at once are the most.`);
  return words.join(" ");
}

/** A short piece of a head’s line. */
function swatch(state, slot) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  const piece = picture.appendChild(document.createElementNS(space, "line"));
  for (const [name, value] of Object.entries({ class: "swatch", width: 30, height: 10, "aria-hidden": "true" })) picture.setAttribute(name, value);
  const look = { x1: 1, x2: 29, y1: 5, y2: 5, stroke: colourOf(state, slot), "stroke-width": 3, "stroke-dasharray": DASHES[slot].join(" ") };
  for (const [name, value] of Object.entries(look)) piece.setAttribute(name, value);
  return picture;
}

function controls(state) {
  const { least, top } = state.look;
  if (Number(state.least.value) !== least) state.least.value = String(least);
  state.leastWords.textContent = ui.decimals(least, 2);
  const options = [...new Set([...TOPS, top])].sort((a, b) => a - b);
  if (state.tops !== options.join()) {
    state.tops = options.join();
    state.top.replaceChildren(...options.map((number) => ui.make("option", { value: String(number) }, number ? String(number) : "all")));
  }
  state.top.value = String(top);
}

// The places

/** Take over another run’s tokens. */
function seat(state) {
  const { queries, keys, same } = state.run.tokens;
  const names = keys.map((one) => one.name);
  state.held = null;
  for (const own of Object.values(state.columns)) {
    own.tokens = own.side === "query" ? queries : keys;
    own.names = own.side === "query" && !same ? queries.map((one) => one.name) : names;
    own.active = 0;
    own.nodes.clear();
    own.sizer.replaceChildren();
    own.sizer.style.height = `${own.tokens.length * ROW}px`;
    own.wants = widest(own);
  }
  state.shape.hidden = !same;
  state.arcs &&= same;
}

/** The width that a column's names ask for. */
function widest({ names }) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = '400 16px "Source Sans 3", sans-serif';
  return 34 + Math.max(...names.map((name) => pen.measureText(name).width));
}

/** Whether some query may look at later keys, or nobody knows: then arcs stand on both sides. */
function looksAhead(state) {
  const head = state.heads[0]?.head;
  const allowed = head?.allowed(0) ?? null;
  return !allowed || allowed.indexOf(1, 1) > 0;
}

/** Divide the width between tokens, lines and the table, and the height by the tokens. */
function layOut(state) {
  if (!state.run) return;
  const [query, key] = [state.columns.query, state.columns.key];
  const body = state.stage.closest(".body");
  const room = body.clientWidth;
  if (!room) return;
  const wide = room >= 680;
  const columns = Math.max(1, state.heads.length);
  const table = wide ? Math.min(room / 2, 250 + (columns > 1 ? 58 * columns : 60)) + 36 : 0;
  const most = wide ? WIDEST.token : Math.floor(room * 0.32);
  const [asking, looked] = [query, key].map((own) => Math.min(most, Math.ceil(own.wants)));
  const taken = state.arcs ? asking : asking + looked;
  const both = state.arcs && looksAhead(state);
  const longest = Math.max(...[query, ...(state.arcs ? [] : [key])].map((own) => own.tokens.length));
  const height = Math.min(TALLEST, longest * ROW);
  const widest = state.arcs ? (both ? 2 : 1) * Math.min(WIDEST.line, 60 + BULGE * height) : WIDEST.line;
  const lines = Math.max(60, Math.min(room - table - taken, widest));
  const width = taken + lines;
  const before = both ? lines / 2 : 0;
  state.size = { width, height };
  state.edges = { left: before, from: before + asking, to: width - looked, reach: (both ? lines / 2 : lines) - 6 };
  body.classList.toggle("wide", wide);
  state.stage.classList.toggle("arcs", state.arcs);
  state.headings.hidden = state.arcs;
  state.stage.style.cssText = `width: ${width}px; height: ${height}px; grid-template-columns: ${state.arcs ? `${before}px ${asking}px 1fr` : `${asking}px 1fr ${looked}px`}`;
  state.headings.style.gridTemplateColumns = `${asking}px ${lines}px ${looked}px`;
  // Always as high, or the page below would move with every row.
  state.list.style.height = wide ? `${height + 62}px` : "";
  for (const canvas of [state.rest, state.strong]) canvas.style.cssText = `width: ${width}px; height: ${height}px; visibility: ${canvas.style.visibility}`;
  for (const own of [query, key]) {
    const side = own === query || state.arcs ? "asks" : "is looked at";
    own.element.setAttribute("aria-label", state.arcs ? "Tokens" : side === "asks" ? "Tokens that ask, queries" : "Tokens that are looked at, keys");
    own.element.hidden = state.arcs && own === key;
    populate(state, own);
  }
  for (const button of state.shape.children) button.setAttribute("aria-pressed", String((button.dataset.shape === "arcs") === state.arcs));
  tell(state.sides, !state.arcs ? "" : both ? "Right: what a token takes from earlier ones. Left: from later ones." : "Each arc goes from a token up to what it takes from.");
  state.lines = null;
  state.stale = true;
  later(state);
}

// What arrives

function show(state, { run, look, head }) {
  const before = { run: state.run, pin: state.look?.query, heads: state.heads.length };
  Object.assign(state, { run, look, head });
  if (before.run !== run) seat(state);
  gather(state);
  chips(state);
  controls(state);
  state.lines = null;
  state.all = null;
  if (before.run !== run || before.heads !== state.heads.length) layOut(state);
  if (before.run !== run || before.pin !== look.query) {
    for (const own of Object.values(state.columns)) {
      if (!isQuery(state, own)) continue;
      own.active = look.query;
      reveal(state, own, look.query, true);
      activate(own);
    }
  }
  later(state);
}

/** A head that has not travelled yet: what is drawn stays, and says whose it is not. */
function wait(state, wanted) {
  state.stage.classList.toggle("waiting", Boolean(wanted));
  const level = state.run?.level ?? "";
  if (!wanted) tell(state.late, "");
  else tell(state.late, level === "tiles" ? "The links of this text have not travelled to the browser: it is too long." : `The links of head ${nameOf(wanted.layer, wanted.head)} are on their way.`);
}

/** A row or key under the pointer, here or in another view. */
function hear(state, at) {
  if (!at && !state.at) return;
  state.at = at ?? null;
  state.lines = null;
  if (state.run && at?.from !== "links") {
    for (const own of Object.values(state.columns)) {
      if (!own.element.hidden && within(at?.[own.side], own.tokens) !== null) reveal(state, own, at[own.side]);
    }
  }
  later(state);
}

function watch(state) {
  const observer = new ResizeObserver(() => {
    const width = state.stage.closest(".body").clientWidth;
    if (width === state.room) return;
    state.room = width;
    layOut(state);
  });
  observer.observe(state.stage.closest(".body"));
  return () => observer.disconnect();
}

export default function ({ parentElement }) {
  const palette = ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  const changed = state.palette?.name !== palette.name;
  state.palette = palette;
  state.stops ??= [
    ui.listen("shown", (shown) => show(state, shown)), ui.listen("waiting", (look) => wait(state, look)),
    ui.listen("hover", (at) => hear(state, at)), watch(state),
  ];
  if (changed && state.run) show(state, state);
  return () => {
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
