/** One or two maps of a whole trace side by side: averages, rollout, words. Pointing says both names and the numbers. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { desk }, axes] = await Promise.all(["headlight", "desk", "axes"].map(shared));
const ui = start(HEADLIGHT);
const table = desk(ui);
const states = new WeakMap();
const STATIC = `${location.origin}${HEADLIGHT.base}/app/static`;
const NARROW = 720;
const GAP = 22;
const CELL = 24;
const TALLEST = 460;
const WIDEST = 560;
const THIN = 10;
const UNALTERED = "These are the model’s own weights: a temperature, and what is hidden above, do not reach them.";

// Building: one element a panel, made once

function build(parent) {
  const tip = ui.make("div", { class: "hl-lens-tip", role: "status" });
  tip.hidden = true;
  const maps = ui.make("div", { class: "hl-maps" });
  const ends = [false, true].map((wide) => endsButton(wide, () => choose(state, wide)));
  const stretch = ui.make("div", { class: "hl-stretch", role: "group", "aria-label": "Colours of weights" }, "Colours of weights", ...ends);
  const words = ui.make("div", { class: "hl-words" });
  const unaltered = ui.make("p", { class: "hl-unaltered" }, UNALTERED);
  const root = ui.make("div", { class: "hl-map" }, maps, stretch, words, unaltered, tip);
  parent.append(root);
  const state = { root, maps, stretch, ends, words, unaltered, tip, panels: new Map(), pins: [], at: null, wide: false };
  new ResizeObserver(() => resized(state)).observe(root);
  state.stops = [
    ui.listen("shown", () => look(state)), ui.listen("waiting", () => look(state)), ui.listen("hover", (at) => mark(state, at)),
  ];
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

function panelOf(state, name) {
  if (!state.panels.has(name)) state.panels.set(name, buildPanel(state));
  return state.panels.get(name);
}

function buildPanel(state) {
  const title = ui.make("h3");
  const plot = ui.make("div", { class: "hl-lens-plot" });
  const marks = Object.fromEntries(["row", "column", "cell"].map((kind) => [kind, ui.make("i", { class: `hl-mark hl-${kind}` })]));
  const pins = ui.make("span", { class: "hl-lens-pins" });
  const cover = ui.make("div", { class: "hl-lens-cover", role: "application", tabIndex: 0 }, pins, ...Object.values(marks));
  const stage = ui.make("div", { class: "hl-stage" }, plot, cover);
  const reason = ui.make("p", { class: "hl-reason" });
  const caption = ui.make("span", { class: "hl-caption" });
  const legend = ui.make("span", { class: "hl-legend" });
  const root = ui.make("section", { class: "hl-lens-panel" }, ui.make("header", {}, title), stage, reason, ui.make("footer", {}, caption, legend));
  const panel = { root, title, plot, cover, pins, marks, stage, reason, caption, legend };
  cover.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(state, panel, event));
  cover.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && leave(state));
  cover.addEventListener("click", (event) => press(state, panel, event));
  keyboard(state, panel);
  state.maps.append(root);
  return panel;
}

// Drawing

async function render(state) {
  const { given } = state;
  for (const [name, panel] of state.panels) panel.root.hidden = !given.panels.some((own) => own.name === name);
  given.panels.forEach((own) => describe(state, panelOf(state, own.name), own));
  describeAll(state);
  const Plotly = await axes.plotly(STATIC);
  if (!state.root.clientWidth || given !== state.given) return;
  const sizes = layOut(state);
  for (const own of given.panels) if (own.figure) await draw(state, Plotly, own, sizes.get(own.name));
  // What was drawn for other bytes meanwhile is not to be marked with these.
  if (given !== state.given) return;
  look(state);
  if (state.at) moveTo(state, state.at.panel, state.at);
  else mark(state, ui.last("hover"));
  state.root.dataset.drawn = String(Number(state.root.dataset.drawn ?? 0) + 1);
}

/** Title, caption, legend and description of one panel. */
function describe(state, panel, own) {
  panel.given = own;
  panel.title.textContent = own.title;
  panel.caption.textContent = own.caption;
  panel.stage.hidden = panel.legend.hidden = !own.figure;
  panel.reason.hidden = Boolean(own.figure);
  panel.reason.textContent = own.reason;
  panel.cover.setAttribute("aria-label", own.alt);
  if (own.figure) panel.legend.replaceChildren(...legendOf(state, own));
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

function legendOf(state, own) {
  const { low, high, wide } = endsOf(state, own);
  const colours = state.palette[own.figure.data[0].meta.scale].map(([, colour]) => colour).join(",");
  const ramp = ui.make("i");
  ramp.style.background = `linear-gradient(90deg, ${colours})`;
  return [ui.make("span", {}, short(low)), ramp, ui.make("span", {}, `${wide ? "≥ " : ""}${short(high)}`)];
}

/** Pixel sizes by panel: side by side with one column of names, or one under another. */
function layOut(state) {
  const { panels, queries, keys } = state.given;
  const total = state.root.clientWidth;
  const stacked = total < NARROW;
  const count = stacked ? 1 : panels.length;
  const left = axes.leftOf(queries);
  const right = axes.overhang(keys);
  const room = Math.floor((total - left - count * right - (count - 1) * (GAP + 2)) / count);
  const width = Math.max(24, Math.min(WIDEST, room));
  const height = Math.max(72, Math.min(CELL * queries.length, TALLEST, Math.max(288, width)));
  state.root.classList.toggle("hl-stacked", stacked);
  const sizes = panels.map((own, i) => {
    const labelled = stacked || i === 0;
    return [own.name, { left: labelled ? left : 2, right, top: axes.topOf(keys), width, height, labelled, thin: height / queries.length < THIN }];
  });
  state.maps.style.gridTemplateColumns = stacked ? "minmax(0, 1fr)" : sizes.map(([, size]) => `${size.left + width + right}px`).join(" ");
  return new Map(sizes);
}

async function draw(state, Plotly, own, size) {
  const panel = panelOf(state, own.name);
  const { data, layout } = own.figure;
  const [trace] = data;
  const { low, high } = endsOf(state, own);
  const drawn = {
    ...trace, z: Array.from({ length: trace.z.shape[0] }, (_, i) => ui.row(trace.z, i)), zmin: low, zmax: high,
    hoverinfo: "skip", hovertemplate: "", colorscale: state.palette[trace.meta.scale],
  };
  const plain = {
    ...layout, width: size.left + size.width + size.right, height: size.height + size.top + 4, autosize: false,
    margin: { l: size.left, r: size.right, t: size.top, b: 4 }, font: { ...layout.font, color: state.palette.muted, family: axes.FONT, size: 14 },
    shapes: (layout.shapes ?? []).map((shape) => ({ ...shape, line: { ...shape.line, color: state.palette.ink } })),
    xaxis: { ...layout.xaxis, ...axes.columnTicks(state.given.keys, size.width) },
    yaxis: { ...layout.yaxis, ...axes.rowTicks(state.given.queries, size.height, state.pins), ticklen: size.thin ? axes.TICK : 5, showticklabels: size.labelled },
  };
  panel.size = size;
  panel.labelled = String(state.pins);
  panel.stage.style.height = `${plain.height}px`;
  await Plotly.react(panel.plot, [drawn], plain, axes.CONFIG);
  Object.assign(panel.cover.style, { left: `${size.left}px`, top: `${size.top}px`, width: `${size.width}px`, height: `${size.height}px` });
}

function resized(state) {
  const width = state.root.clientWidth;
  if (!state.given || !width || width === state.width) return;
  state.width = width;
  render(state);
}

const drawnPanels = (state) => [...state.panels.values()].filter((panel) => panel.given?.figure && !panel.root.hidden);
const shapeOf = (panel) => panel.given.figure.data[0].z.shape;

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

// The desk: what is pinned, and whether these maps are still of what it shows

/** Follow the desk; maps of another run, layer or head wait for theirs, and are marked by nothing meanwhile. */
function look(state) {
  const wanted = table.look();
  const { run, of } = state.given ?? {};
  const shown = table.shown();
  state.agrees = Boolean(of) && (!shown || shown.run.id === run) && (!wanted || Object.entries(of).every(([name, value]) => wanted[name] === value));
  state.root.classList.toggle("hl-waiting", Boolean(of) && !state.agrees);
  state.unaltered.hidden = !wanted || (wanted.temperature === 1 && !wanted.hide.length);
  const rows = table.pins(wanted).map((token) => placeOf(state, "queries", token)).filter((row) => row !== null);
  state.pins = [...new Set(rows)];
  outline(state);
  mark(state, ui.last("hover"));
}

// Pointing

function point(state, panel, event) {
  const cell = axes.cellAt(panel.cover, shapeOf(panel), event);
  if (cell) show(state, panel, cell);
  else leave(state);
}

function show(state, panel, cell) {
  if (state.agrees) ui.say("hover", { query: tokenOf(state, "queries", cell.row), key: tokenOf(state, "keys", cell.column), from: "map" });
  axes.place(panel.marks.cell, shapeOf(panel), cell.row, cell.column);
  tell(state, panel, cell);
}

function leave(state) {
  state.tip.hidden = true;
  for (const panel of state.panels.values()) panel.marks.cell.style.display = "none";
  ui.say("hover", null);
}

function press(state, panel, event) {
  const cell = axes.cellAt(panel.cover, shapeOf(panel), event);
  if (!cell) return;
  show(state, panel, cell);
  pin(state, cell.row, event);
}

/** Pin a row; one that is pinned already keeps the very token of its word, unless it is to be taken out. */
function pin(state, row, event) {
  if (!state.agrees) return;
  const own = table.pins().find((token) => placeOf(state, "queries", token) === row);
  table.pin(own ?? tokenOf(state, "queries", row), { several: table.isSeveral(event) });
}

/** Arrow keys walk the cells as soon as the keyboard has come to a map; Enter pins, Escape leaves. */
function keyboard(state, panel) {
  const { cover } = panel;
  cover.addEventListener("pointerdown", () => { state.at = null; });
  cover.addEventListener("focus", () => {
    if (cover.matches(":focus-visible")) moveTo(state, panel, { row: state.pins[0] ?? 0, column: 0 });
  });
  cover.addEventListener("blur", () => {
    if (state.at) leave(state);
    state.at = null;
  });
  cover.addEventListener("keydown", (event) => cellKey(state, panel, event));
}

function cellKey(state, panel, event) {
  if (event.altKey || event.ctrlKey || event.metaKey || state.at?.panel !== panel || (event.shiftKey && event.key !== "Enter")) return;
  const next = axes.stepTo(state.at, event.key);
  if (next) moveTo(state, panel, next);
  else if (event.key === "Enter" || event.key === " ") pin(state, state.at.row, event);
  else if (event.key === "Escape") panel.cover.blur();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** The keyboard's cell. */
function moveTo(state, panel, at) {
  if (!panel.given.figure) return;
  const cell = axes.within(shapeOf(panel), at);
  state.at = { panel, ...cell };
  show(state, panel, cell);
}

/** Show what is under the pointer beside it, inside the component. */
function tell(state, panel, cell) {
  state.tip.replaceChildren(...sentences(state, cell));
  state.tip.hidden = false;
  const frame = state.root.getBoundingClientRect();
  const box = panel.cover.getBoundingClientRect();
  const [rows, columns] = shapeOf(panel);
  const x = box.left - frame.left + ((cell.column + 1) / columns) * box.width + 8;
  const y = box.top - frame.top + (cell.row / rows) * box.height - state.tip.offsetHeight - 8;
  state.tip.style.left = `${Math.max(0, Math.min(x, frame.width - state.tip.offsetWidth))}px`;
  state.tip.style.top = `${y}px`;
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

/** The row and column under the pointer, wherever on the page it is. */
function mark(state, at) {
  const row = placeOf(state, "queries", at?.query);
  const column = placeOf(state, "keys", at?.key);
  for (const panel of drawnPanels(state)) {
    if (row !== null && !state.pins.includes(row)) axes.place(panel.marks.row, shapeOf(panel), row, null);
    else panel.marks.row.style.display = "none";
    if (column !== null) axes.place(panel.marks.column, shapeOf(panel), null, column);
    else panel.marks.column.style.display = "none";
    if (at?.from !== "map") panel.marks.cell.style.display = "none";
  }
  if (at?.from !== "map") state.tip.hidden = true;
}

/** The outlines of the pinned rows in all maps, and their names in bold. */
function outline(state) {
  for (const panel of drawnPanels(state)) {
    while (panel.pins.children.length < state.pins.length) panel.pins.append(ui.make("i", { class: "hl-mark hl-pin" }));
    [...panel.pins.children].forEach((element, i) => {
      element.classList.toggle("hl-thin", Boolean(panel.size?.thin));
      if (i < state.pins.length) axes.place(element, shapeOf(panel), state.pins[i], null);
      else element.style.display = "none";
    });
    relabel(state, panel);
  }
}

function relabel(state, panel) {
  if (!panel.size?.labelled || !panel.plot.layout || panel.labelled === String(state.pins)) return;
  panel.labelled = String(state.pins);
  const { tickvals, ticktext } = axes.rowTicks(state.given.queries, panel.size.height, state.pins);
  globalThis.Plotly.relayout(panel.plot, { "yaxis.tickvals": tickvals, "yaxis.ticktext": ticktext });
}

export default function ({ data, parentElement }) {
  const palette = ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  const same = state.bytes === data && state.palette === palette;
  state.palette = palette;
  if (!same) {
    state.bytes = data;
    state.given = ui.parse(data);
    state.tip.hidden = true;
    state.width = state.root.clientWidth;
    look(state);
    render(state);
  }
  return () => state.stops.forEach((stop) => stop());
}
