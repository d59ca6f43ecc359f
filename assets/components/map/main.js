/** One or two maps of a whole trace side by side: averages, rollout, words. Pointing says both names and the numbers. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { term, watchTerms }, { pinsOf }, axes, { whole }, marks, { explain, onMap, panelOf, ramp }, sizes, { speakOn, walk }] = await Promise.all(
  ["headlight", "store", "terms", "look", "axes", "spans", "figures/marks", "figures/panel", "figures/sizes", "figures/walk"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const WIDEST = 560;
const LEAST = 24;
// What each map is explained as.
const TERMS = { mean: "mean.map", spread: "spread.map", mixed: "rollout", beyond: "beyond", words: "words" };
const UNALTERED = "These are the model’s own weights: a temperature, and what is hidden above, do not reach them.";

// Building: one element a panel, made once

function build(parent, store) {
  const tip = ui.make("div", { class: "hl-map-tip", role: "status", hidden: true });
  const maps = ui.make("div", { class: "hl-maps" });
  const ends = [false, true].map((wide) => endsButton(wide, () => choose(state, wide)));
  const stretch = ui.make("div", { class: "hl-stretch", role: "group", "aria-label": "Colours of weights" }, term("stretch", "Colours of weights"), ...ends);
  const words = ui.make("div", { class: "hl-words" });
  const unaltered = ui.make("p", { class: "hl-unaltered" }, UNALTERED);
  const root = ui.make("div", { class: "hl-map" }, maps, stretch, words, unaltered, tip);
  parent.append(root);
  watchTerms(parent);
  const state = { store, root, maps, stretch, ends, words, unaltered, tip, panels: new Map(), pins: [], at: null, over: null, wide: false, drawn: 0, stops: null };
  new ResizeObserver(() => resized(state)).observe(root);
  return state;
}

/** One of the two ranges of colours: up to 1, or up to where most cells have a colour of their own. */
function endsButton(wide, chosen) {
  const button = ui.make("button", { type: "button" }, wide ? "" : "0 … 1");
  button.addEventListener("click", chosen);
  return button;
}

function choose(state, wide) {
  state.wide = wide;
  render(state);
}

function panelNamed(state, name) {
  if (!state.panels.has(name)) {
    const panel = panelOf("hl-map", name);
    panel.named = term(TERMS[name]);
    panel.title.append(panel.named);
    state.panels.set(name, panel);
    walk(state, panel, {
      show: (own, cell) => show(state, own, cell), leave: () => state.store.say("hover", null), pin: (_, cell, event) => pin(state, cell.row, event),
      parts: (own, cell) => partsOf(state, own, cell),
    });
    state.maps.append(panel.root);
  }
  return state.panels.get(name);
}

/** What is heard from outside the component; again after it was taken down. */
function connect(state) {
  return [
    state.store.listen("shown", () => look(state)), state.store.listen("waiting", () => look(state)), state.store.listen("hover", (at) => mark(state, at)),
  ];
}

function disconnect(state) {
  state.stops?.forEach((stop) => stop());
  state.stops = null;
}

// Drawing

async function render(state) {
  const { given } = state;
  for (const panel of state.panels.values()) {
    panel.view = null;
    panel.root.hidden = true;
  }
  for (const own of given.panels) describe(state, panelNamed(state, own.name), own);
  describeAll(state);
  if (!state.root.clientWidth) return;
  layOut(state);
  const Plotly = await axes.plotly();
  for (const panel of drawnPanels(state)) {
    // What is drawn for other bytes, or another size, meanwhile has its own turn.
    if (given !== state.given) return;
    await draw(state, Plotly, panel);
  }
  if (given !== state.given) return;
  look(state);
  speakOn(state);
  state.drawn += 1;
  state.root.dataset.drawn = String(state.drawn);
}

/** Title, caption, legend and description of one panel. */
function describe(state, panel, own) {
  panel.root.hidden = false;
  panel.figure = own.figure;
  panel.view = own.figure ? whole(own.figure.data[0].z) : null;
  panel.named.textContent = own.title;
  panel.caption.textContent = own.caption;
  panel.cover.setAttribute("aria-label", own.alt);
  explain(panel, Boolean(own.figure), own.reason);
  if (!own.figure) return;
  const { low, high, wide } = endsOf(state, panel);
  panel.legend.replaceChildren(...ramp(state.palette[own.figure.data[0].meta.scale], short(low), `${wide ? "≥ " : ""}${short(high)}`));
}

/** What stands below all panels: the switch of the colours, what is not shown, and the notes. */
function describeAll(state) {
  const { stretched, hides, notes } = state.given;
  state.stretch.hidden = stretched === null;
  if (stretched !== null) state.ends[1].textContent = `0 … ${short(stretched)}`;
  state.ends.forEach((button, i) => button.setAttribute("aria-pressed", String(Boolean(i) === state.wide)));
  const line = (...words) => ui.make("p", {}, ...words);
  state.words.replaceChildren(line(ui.make("b", {}, "What this does not show: "), hides), ...notes.map((note) => line(note)));
}

/** An end of the colours without noughts that say nothing. */
const short = (value) => (value !== 0 && Math.abs(value) < 1e-3 ? ui.number(value, 3) : String(Number(value.toPrecision(3))).replace("-", "−"));

/** The two ends of a panel's colours: as they came, or stretched where weights are asked to be. */
function endsOf(state, { figure }) {
  const [{ zmin, zmax, meta }] = figure.data;
  const { stretched } = state.given;
  const wide = state.wide && stretched !== null && meta.scale === "weights";
  return { low: zmin, high: wide ? stretched : zmax, wide };
}

/** Pixel sizes of the panels. */
function layOut(state) {
  const { panels, queries, keys } = state.given;
  const stacked = sizes.isStacked(state.root);
  const count = stacked ? 1 : panels.length;
  const right = axes.overhang(keys);
  const room = Math.floor((state.root.clientWidth - axes.leftOf(queries) - count * right - (count - 1) * (sizes.GAP + 2)) / count);
  const width = Math.max(LEAST, Math.min(WIDEST, room));
  const widths = panels.map(({ name }, i) => {
    const { left, labelled } = sizes.leftOf(queries, stacked, i);
    state.panels.get(name).size = { left, right, top: axes.topOf(keys), width, ...sizes.heightOf(queries.length, width), labelled };
    return left + width + right;
  });
  state.maps.style.gridTemplateColumns = sizes.gridOf(stacked, widths);
}

async function draw(state, Plotly, panel) {
  const { figure: { data: [trace], layout }, view, size } = panel;
  const { low, high } = endsOf(state, panel);
  const drawn = {
    ...trace, z: Array.from({ length: view.z.shape[0] }, (_, i) => ui.row(view.z, i)), zmin: low, zmax: high,
    hoverinfo: "skip", hovertemplate: "", colorscale: state.palette[trace.meta.scale],
  };
  const around = {
    ...axes.sized(layout, size, state.palette), xaxis: { ...layout.xaxis, ...axes.columnTicks(state.given.keys, size.width) },
    yaxis: { ...layout.yaxis, ...axes.rowAxis(state.given.queries, size, state.pins) },
  };
  panel.labelled = String(state.pins);
  panel.stage.style.height = `${around.height}px`;
  await Plotly.react(panel.plot, [drawn], around, axes.CONFIG);
  onMap(size, panel.cover);
}

function resized(state) {
  const width = state.root.clientWidth;
  if (!state.given || !width || width === state.width) return;
  state.width = width;
  render(state);
}

const drawnPanels = ({ panels }) => [...panels.values()].filter((panel) => panel.view);

// Tokens and words. Other components speak of tokens; where a row is a word, it stands for the tokens start … stop.

/** The row or column that a token is in, or null. */
function placeOf(state, side, token) {
  if (token === null || token === undefined || !state.given || !state.agrees) return null;
  const { spans } = state.given;
  const count = state.given[side].length;
  if (!spans) return token < count ? token : null;
  for (let i = 0; i < count; i++) if (token >= spans[side][2 * i] && token < spans[side][2 * i + 1]) return i;
  return null;
}

/** The token that a row or column stands for: itself, or its word's first. */
const tokenOf = (state, side, place) => (state.given.spans ? state.given.spans[side][2 * place] : place);

// The store: what is pinned, and whether these maps are still of what it shows

/** Follow the store; maps of another run, layer or head wait for theirs, and are marked by nothing meanwhile. */
function look(state) {
  const wanted = state.store.look();
  const { run, of } = state.given;
  const shown = state.store.shown();
  state.agrees = Boolean(of) && (!shown || shown.run.id === run) && (!wanted || Object.entries(of).every(([name, value]) => wanted[name] === value));
  state.root.classList.toggle("hl-waiting", Boolean(of) && !state.agrees);
  state.unaltered.hidden = !wanted || (wanted.temperature === 1 && !wanted.hide.length);
  const rows = pinsOf(wanted).map((token) => placeOf(state, "queries", token)).filter((row) => row !== null);
  state.pins = [...new Set(rows)];
  for (const panel of drawnPanels(state)) {
    marks.outline(panel, state.pins);
    relabel(state, panel);
  }
  mark(state, state.store.last("hover"));
}

/** The names of the pinned rows in bold. */
function relabel(state, panel) {
  if (!panel.size?.labelled || !panel.plot.layout || panel.labelled === String(state.pins)) return;
  panel.labelled = String(state.pins);
  const { tickvals, ticktext } = axes.rowTicks(state.given.queries, panel.size.height, state.pins);
  globalThis.Plotly.relayout(panel.plot, { "yaxis.tickvals": tickvals, "yaxis.ticktext": ticktext });
}

/** Pin a row; one that is pinned already keeps the very token of its word, unless it is to be taken out. */
function pin(state, row, event) {
  if (!state.agrees) return;
  const { store } = state;
  const own = store.pins().find((token) => placeOf(state, "queries", token) === row);
  store.pin(own ?? tokenOf(state, "queries", row), { several: store.isSeveral(event) });
}

// Pointing

function show(state, panel, cell) {
  if (state.agrees) state.store.say("hover", { query: tokenOf(state, "queries", cell.row), key: tokenOf(state, "keys", cell.column), from: "map" });
  marks.overCells(panel.marks.cell, panel, cell);
  marks.tell(state, panel, cell, sentences(state, cell));
}

/** What copying a cell gives: both names, and the number of the map that it is on. */
function partsOf({ given: { queries, keys, closed } }, { view: { z } }, { row, column }) {
  const value = ui.row(z, row)[column];
  return [queries[row], keys[column], Number.isNaN(value) ? closed : value];
}

/** Both names, and every number that is known of this cell, whichever map is pointed at. */
function sentences(state, { row, column }) {
  const { queries, keys, numbers, closed } = state.given;
  const words = (kind, ...text) => ui.make("span", { class: `hl-${kind}` }, ...text);
  const line = (...parts) => ui.make("div", {}, ...parts);
  const pair = line(words("query", ...ui.named(queries, row)), " → ", words("key", ...ui.named(keys, column)));
  const known = numbers.map(({ name, values }) => [name, ui.row(values, row)[column]]);
  if (Number.isNaN(known[0][1])) return [pair, line(closed)];
  return [pair, ...known.map(([name, value]) => line(`${name} `, words("value", ui.decimals(value, 4))))];
}

/** The row and column that are pointed at, wherever on the page; what was said of a cell here ends with another's word. */
function mark(state, at) {
  const own = at?.from === "map";
  const row = placeOf(state, "queries", at?.query);
  const column = placeOf(state, "keys", at?.key);
  for (const panel of drawnPanels(state)) {
    marks.overRow(panel.marks.row, panel, state.pins.includes(row) ? null : row);
    marks.overColumn(panel.marks.column, panel, column);
    if (!own || state.over?.panel !== panel) marks.hide(panel.marks.cell);
  }
  if (own) return;
  state.tip.hidden = true;
  state.over = null;
}

export default function ({ data, store, parentElement }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  if (state.bytes !== data || state.palette !== palette) {
    Object.assign(state, { bytes: data, palette, given: ui.parse(data), width: state.root.clientWidth });
    state.tip.hidden = true;
    look(state);
    render(state);
  }
  state.stops ??= connect(state);
  return () => disconnect(state);
}
