/** The three panels of one head, drawn by plotly; pointing at a cell says both tokens, its number and how it was made. */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const { readout } = await import(`${location.origin}${HEADLIGHT.base}/app/static/readout.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const sentences = readout(ui);
const states = new WeakMap();
const PLOTLY = `${location.origin}${HEADLIGHT.base}/app/static/plotly-cartesian.min.js`;
const NARROW = 720;
const GAP = 22;
const CELL = 24;
const TALLEST = 460;
const LABEL = 15;
const LABEL_CHARS = 14;
const LABEL_WIDEST = 116;
const TICK = 9;
const SLANT = (55 * Math.PI) / 180;
const THIN = 10;
const FONT = '"Source Sans 3", sans-serif';
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const CONFIG = { staticPlot: true, displayModeBar: false, responsive: false };

/** plotly, loaded once a page. */
function plotly() {
  globalThis.headlightPlotly ??= new Promise((resolve, reject) => {
    const script = ui.make("script", { src: PLOTLY });
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("plotly could not be loaded from this app's own static files"));
    document.head.append(script);
  });
  return globalThis.headlightPlotly;
}

// Building: one element a panel, made once

function build(parent) {
  const tip = ui.make("div", { class: "hl-tip", role: "status" });
  tip.hidden = true;
  const root = ui.make("div", { class: "hl-figures" });
  root.append(tip);
  parent.append(root);
  const state = { root, tip, panels: new Map(), pin: null, at: null, alts: {}, send: () => {} };
  ui.swipes(root);
  new ResizeObserver(() => resized(state)).observe(root);
  state.stops = [
    ui.listen("hover", (at) => mark(state, at)),
    ui.listen("pin", (pin) => pinned(state, pin)),
    ui.listen("pinned", (query) => outline(state, query)),
  ];
  return state;
}

function panelOf(state, name) {
  if (!state.panels.has(name)) state.panels.set(name, buildPanel(state, name));
  return state.panels.get(name);
}

function buildPanel(state, name) {
  const title = ui.make("h3");
  const switches = ui.make("span", { class: "hl-switches", role: "group" });
  const plot = ui.make("div", { class: "hl-plot" });
  const marks = Object.fromEntries(["pin", "row", "column", "cell"].map((kind) => [kind, ui.make("i", { class: `hl-mark hl-${kind}` })]));
  const cover = ui.make("div", { class: "hl-cover", role: "application", tabIndex: 0 }, ...Object.values(marks));
  const reason = ui.make("p", { class: "hl-reason" });
  const caption = ui.make("span", { class: "hl-caption" });
  const legend = ui.make("span", { class: "hl-legend" });
  const stage = ui.make("div", { class: "hl-stage" }, plot, cover);
  const header = ui.make("header", {}, title, switches);
  const root = ui.make("section", { class: "hl-panel" }, header, stage, reason,
    ui.make("footer", {}, caption, legend));
  const panel = { name, root, header, title, switches, plot, cover, marks, reason, caption, legend, stage };
  cover.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(state, panel, event));
  cover.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && leave(state));
  cover.addEventListener("click", (event) => press(state, panel, event));
  keyboard(state, panel);
  state.root.insertBefore(root, state.tip);
  return panel;
}

// Drawing

async function render(state) {
  const { panels } = state.given;
  for (const [name, panel] of state.panels) panel.root.hidden = !panels.some((given) => given.name === name);
  panels.forEach((given) => describe(state, panelOf(state, given.name), given));
  const Plotly = await plotly();
  if (!state.root.clientWidth || panels !== state.given.panels) return;
  const sizes = layOut(state);
  for (const given of panels) if (given.figure) await draw(state, Plotly, given, sizes.get(given.name));
  outline(state, state.pin);
  if (state.at) moveTo(state, state.at.panel, state.at.row, state.at.column);
  state.root.dataset.drawn = String(Number(state.root.dataset.drawn ?? 0) + 1);
}

/** Title, switches, caption and legend of one panel. */
function describe(state, panel, given) {
  panel.given = given;
  panel.title.textContent = given.title;
  switchesOf(state, panel, given);
  panel.switches.setAttribute("aria-label", `${given.title}: which step`);
  panel.caption.textContent = [given.caption, given.note].filter(Boolean).join(" · ");
  panel.stage.hidden = !given.figure;
  panel.reason.hidden = Boolean(given.figure);
  panel.reason.textContent = given.reason;
  panel.legend.hidden = !given.figure;
  if (given.figure) panel.legend.replaceChildren(...legendOf(state, given.figure.data[0]));
  panel.cover.setAttribute("aria-label", state.alts[given.name] ?? given.title);
}

/** A panel's switches; the same switches stay the same elements, for one of them may have the focus. */
function switchesOf(state, panel, { name, options, current }) {
  const made = JSON.stringify(options.map(({ value, label }) => [value, label]));
  if (panel.made !== made) {
    panel.made = made;
    panel.buttons = options.map(({ value, label }) => {
      const button = ui.make("button", { type: "button" }, ...subscript(label));
      button.addEventListener("click", () => {
        press(value);
        state.send(name, value);
      });
      return button;
    });
    panel.switches.replaceChildren(...panel.buttons);
  }
  const press = (chosen) => panel.buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(options[i].value === chosen)));
  panel.buttons.forEach((button, i) => Object.assign(button, { title: options[i].why ?? "", disabled: Boolean(options[i].why) }));
  press(current);
}

/** "after W_O" with its O lowered. */
function subscript(label) {
  const [before, after] = label.split("_");
  return after ? [before, ui.make("sub", {}, after)] : [before];
}

function legendOf(state, { zmin, zmax, meta }) {
  const colours = state.palette[meta.scale].map(([, colour]) => colour).join(",");
  const ramp = ui.make("i");
  ramp.style.background = `linear-gradient(90deg, ${colours})`;
  const short = (value) => (Number.isInteger(value) ? String(value) : ui.number(value, 3));
  return [ui.make("span", {}, short(zmin)), ramp, ui.make("span", {}, short(zmax))];
}

/** Pixel sizes by panel: side by side with one height and one row of labels, or one under another. */
function layOut(state) {
  const shown = state.given.panels.filter((given) => given.figure);
  const total = state.root.clientWidth;
  const stacked = total < NARROW;
  state.root.classList.toggle("hl-stacked", stacked);
  const sizes = new Map();
  const count = state.given.panels.length;
  const { queries } = state.given;
  const labels = Math.ceil(Math.max(...queries.map((name) => widthOf(brief(name), true)), 8)) + TICK + 6;
  // What the last slanted label reaches past the plot; side by side, the gap between the panels has room for it.
  const right = stacked ? Math.max(2, ...shown.map((given) => Math.ceil(overhang(state, given)))) : 2;
  const each = Math.floor(stacked ? total - labels - right : (total - labels - right - (count - 1) * (GAP + 2 + right)) / count);
  const height = Math.max(72, Math.min(CELL * queries.length, TALLEST, Math.max(288, each)));
  const widths = state.given.panels.map((given, i) => (stacked || i === 0 ? labels : 2) + each + right);
  state.root.style.gridTemplateColumns = stacked ? "minmax(0, 1fr)" : widths.map((width) => `${width}px`).join(" ");
  const tops = new Map(shown.map((given) => [given.name, topOf(state, given)]));
  state.given.panels.forEach((given, i) => {
    const left = stacked || i === 0 ? labels : 2;
    const top = stacked ? tops.get(given.name) : Math.max(...tops.values());
    if (given.figure) sizes.set(given.name, { width: widths[i], left, right, top, height, labelled: left > 2, thin: height / queries.length < THIN });
  });
  headers(state);
  return sizes;
}

/** All headers of one height: where there is no room for them, the switches go to a line of their own. */
function headers(state) {
  const shown = [...state.panels.values()].filter((panel) => !panel.root.hidden);
  const wide = ({ header, title, switches }) => title.scrollWidth + 8 + switches.scrollWidth > header.clientWidth + 1;
  state.root.classList.remove("hl-tight");
  state.root.classList.toggle("hl-tight", shown.some((panel) => panel.buttons.length && wide(panel)));
}

const pen = document.createElement("canvas").getContext("2d");

/** Pixels that a label takes in a panel. */
function widthOf(text, bold = false) {
  pen.font = `${bold ? 700 : 400} 14px ${FONT}`;
  return pen.measureText(text).width;
}

/** What stands above a plot: slanted names of keys, or numbers of dimensions. */
function topOf(state, { name, figure }) {
  if (name === "values") return figure.layout.margin.t;
  const names = figure.layout.xaxis.tickvals.length ? keyLabels(state, figure.layout.xaxis) : [""];
  return Math.ceil(Math.max(...names.map((text) => widthOf(text))) * Math.sin(SLANT)) + TICK + 12;
}

function overhang(state, { name, figure }) {
  if (name === "values") return 2;
  const last = keyLabels(state, figure.layout.xaxis).at(-1) ?? "";
  return widthOf(last) * Math.cos(SLANT) - 4;
}

/** The names at an axis's ticks, as they are read; one past the keys is the sink. */
function keyLabels(state, { tickvals, ticktext }) {
  return [...tickvals].map((place, i) => (place < state.given.keys.length ? brief(state.given.keys[place]) : ticktext[i]));
}

async function draw(state, Plotly, given, size) {
  const panel = panelOf(state, given.name);
  const { data, layout } = given.figure;
  const [trace] = data;
  const [rows] = trace.z.shape;
  const drawn = {
    ...trace, z: Array.from({ length: rows }, (_, i) => ui.row(trace.z, i)), hoverinfo: "skip", hovertemplate: "",
    colorscale: state.palette[trace.meta.scale],
  };
  const plain = {
    ...layout, width: size.width, height: size.height + size.top + 4, autosize: false,
    margin: { l: size.left, r: size.right, t: size.top, b: 4 }, font: { ...layout.font, color: state.palette.muted, family: FONT, size: 14 },
    xaxis: { ...layout.xaxis, ...columnTicks(state, given, size) }, annotations: layout.annotations ?? [], yaxis: { ...layout.yaxis, ...rowTicks(state, size), ticklen: size.thin ? TICK : 5, showticklabels: size.labelled },
  };
  panel.size = size;
  panel.marks.pin.classList.toggle("hl-thin", size.thin);
  panel.labelled = state.pin;
  panel.stage.style.height = `${plain.height}px`;
  await Plotly.react(panel.plot, [drawn], plain, CONFIG);
  Object.assign(panel.cover.style, {
    left: `${size.left}px`, top: `${size.top}px`, width: `${size.width - size.left - size.right}px`, height: `${size.height}px`,
  });
}

/** The axis's own labels, as many as there is room for; the last one, a sink's, always stays. */
function columnTicks(state, { name, figure }, size) {
  const { tickvals, ticktext, range } = figure.layout.xaxis;
  const width = size.width - size.left - size.right;
  const texts = name === "values" ? ticktext : keyLabels(state, figure.layout.xaxis).map(escaped);
  const places = [...tickvals];
  const apart = (LABEL * (range[1] - range[0])) / width;
  const last = places.length - 1;
  let before = -Infinity;
  const kept = places.map((place, i) => i).filter((i) => {
    const fits = places[i] - before >= apart && (i === last || places[last] - places[i] >= apart);
    if (fits || i === last) before = places[i];
    return fits || i === last;
  });
  return { tickvals: kept.map((i) => places[i]), ticktext: kept.map((i) => texts[i]) };
}

/** Labels of the queries, as many as there is room for; the pinned one always, in bold. */
function rowTicks(state, { height }) {
  const { queries } = state.given;
  const step = Math.max(1, Math.ceil((LABEL * queries.length) / height));
  const places = queries.map((_, i) => i).filter((i) => i === state.pin || (i % step === 0 && Math.abs(i - (state.pin ?? -step)) >= step));
  return { tickvals: places, ticktext: places.map((i) => (i === state.pin ? `<b>${literal(queries[i])}</b>` : literal(queries[i]))) };
}

/** A token's name, cut where it would be too long for a label. */
function brief(name) {
  const letters = [...name];
  const fits = (count) => count <= LABEL_CHARS && widthOf(letters.slice(0, count).join(""), true) <= LABEL_WIDEST;
  if (fits(letters.length)) return name;
  let count = Math.min(letters.length, LABEL_CHARS) - 1;
  while (count > 1 && !fits(count + 1)) count -= 1;
  return `${letters.slice(0, count).join("")}…`;
}

const literal = (name) => escaped(brief(name));

/** Text as plotly shows it literally, for plotly reads tags in labels. */
function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function resized(state) {
  const width = state.root.clientWidth;
  if (!state.given || !width || width === state.width) return;
  state.width = width;
  render(state);
}

// Pointing

function cellAt(panel, event) {
  const [rows, columns] = panel.given.figure.data[0].z.shape;
  const box = panel.cover.getBoundingClientRect();
  const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
  const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
}

function point(state, panel, event) {
  const cell = cellAt(panel, event);
  if (!cell) return leave(state);
  show(state, panel, cell);
}

function show(state, panel, cell) {
  const key = panel.name === "values" || cell.column >= state.given.keys.length ? null : cell.column;
  ui.say("hover", { query: cell.row, key, from: "figures" });
  place(panel.marks.cell, panel, cell.row, cell.column);
  tell(state, panel, cell);
}

function leave(state) {
  state.tip.hidden = true;
  for (const panel of state.panels.values()) panel.marks.cell.style.display = "none";
  ui.say("hover", null);
}

function press(state, panel, event) {
  const cell = cellAt(panel, event);
  if (!cell) return;
  point(state, panel, event);
  pin(state, cell.row);
}

function pin(state, row) {
  if (row === state.pin) return;
  outline(state, row);
  ui.say("pinned", row);
  state.send("pin", row);
}

/** Arrow keys move from cell to cell as soon as the keyboard has come to a panel; Enter pins, Escape leaves. */
function keyboard(state, panel) {
  const { cover } = panel;
  cover.addEventListener("pointerdown", () => { state.at = null; });
  cover.addEventListener("focus", () => {
    if (!cover.matches(":focus-visible")) return;
    moveTo(state, panel, state.pin ?? 0, 0);
  });
  cover.addEventListener("blur", () => {
    if (state.at) leave(state);
    state.at = null;
  });
  cover.addEventListener("keydown", (event) => cellKey(state, panel, event));
}

function cellKey(state, panel, event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || state.at?.panel !== panel) return;
  const { row, column } = state.at;
  const by = ARROWS[event.key];
  if (by) moveTo(state, panel, row + by[0], column + by[1]);
  else if (event.key === "Home") moveTo(state, panel, row, 0);
  else if (event.key === "End") moveTo(state, panel, row, Infinity);
  else if (event.key === "Enter" || event.key === " ") pin(state, row);
  else if (event.key === "Escape") panel.cover.blur();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** The keyboard's cell, kept within the panel. */
function moveTo(state, panel, row, column) {
  if (!panel.given.figure) return;
  const [rows, columns] = panel.given.figure.data[0].z.shape;
  const cell = { row: Math.max(0, Math.min(rows - 1, row)), column: Math.max(0, Math.min(columns - 1, column)) };
  state.at = { panel, ...cell };
  show(state, panel, cell);
}

/** Show what is under the pointer beside it, inside the page. */
function tell(state, panel, cell) {
  state.tip.replaceChildren(...sentences(state.given, panel, cell));
  state.tip.hidden = false;
  const frame = state.root.getBoundingClientRect();
  const box = panel.cover.getBoundingClientRect();
  const [rows, columns] = panel.given.figure.data[0].z.shape;
  const x = box.left - frame.left + ((cell.column + 1) / columns) * box.width + 8;
  const y = box.top - frame.top + (cell.row / rows) * box.height - state.tip.offsetHeight - 8;
  const right = frame.width - state.tip.offsetWidth;
  state.tip.style.left = `${Math.max(0, Math.min(x, right))}px`;
  state.tip.style.top = `${y}px`;
}

function place(mark, panel, row, column) {
  const [rows, columns] = panel.given.figure.data[0].z.shape;
  Object.assign(mark.style, {
    display: "block",
    top: row === null ? "0" : `${(100 * row) / rows}%`, height: row === null ? "100%" : `${100 / rows}%`,
    left: column === null ? "0" : `${(100 * column) / columns}%`, width: column === null ? "100%" : `${100 / columns}%`,
  });
}

const drawnPanels = (state) => [...state.panels.values()].filter((panel) => panel.given?.figure && !panel.root.hidden);

/** The row and column under the pointer, wherever on the page it is. */
function mark(state, at) {
  state.row = at?.query ?? null;
  for (const panel of drawnPanels(state)) {
    const { row, column, cell } = panel.marks;
    const rows = panel.given.figure.data[0].z.shape[0];
    if (at && at.query !== null && at.query < rows && at.query !== state.pin) place(row, panel, at.query, null);
    else row.style.display = "none";
    if (at && at.key !== null && panel.name !== "values") place(column, panel, null, at.key);
    else column.style.display = "none";
    if (!at || at.from !== "figures") cell.style.display = "none";
  }
  if (!at || at.from !== "figures") state.tip.hidden = true;
}

/** The pinned row's outline in all panels, and its name in bold. */
function outline(state, query) {
  state.pin = query;
  for (const panel of drawnPanels(state)) {
    if (state.row === query) panel.marks.row.style.display = "none";
    const rows = panel.given.figure.data[0].z.shape[0];
    if (query === null || query >= rows) panel.marks.pin.style.display = "none";
    else place(panel.marks.pin, panel, query, null);
    relabel(state, panel);
  }
}

function relabel(state, panel) {
  if (!panel.size?.labelled || !panel.plot.layout || panel.labelled === state.pin) return;
  panel.labelled = state.pin;
  const { tickvals, ticktext } = rowTicks(state, panel.size);
  globalThis.Plotly.relayout(panel.plot, { "yaxis.tickvals": tickvals, "yaxis.ticktext": ticktext });
}

function pinned(state, pin) {
  if (!pin) return;
  state.alts = pin.alts;
  for (const panel of state.panels.values()) panel.cover.setAttribute("aria-label", pin.alts[panel.name] ?? "");
  outline(state, pin.query);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const palette = ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.send = setTriggerValue;
  state.palette = palette;
  const given = ui.parse(data);
  const fresh = state.bytes !== data;
  state.bytes = data;
  state.given = given;
  state.width = state.root.clientWidth;
  const { stages, layer, head, kind, count, undo } = state.given;
  ui.say("weights", (query) => (query < stages.weights.shape[0] ? ui.row(stages.weights, query) : null));
  ui.say("head", { layer, head, kind });
  ui.say("count", count);
  // The same bytes once more know nothing newer than the bar itself was told.
  if (fresh) ui.say("undo", undo);
  state.tip.hidden = true;
  render(state);
  return () => {
    ui.say("count", null);
    state.stops.forEach((stop) => stop());
  };
}
