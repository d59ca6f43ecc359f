/**
 * The three panels of one head. plotly draws the axes, from layouts that Python made; the cells are painted on a canvas
 * over them, from the head on the desk, so that another head, stage or temperature needs no server and no new axes.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { desk }, axes, { cellsOf, stageOf }, { paint }, { exponentials, titlesOf }, { readout }, { alts }, spans] = await Promise.all(
  ["headlight", "desk", "axes", "cells", "paint", "row", "readout", "alt", "spans"].map(shared));
const ui = start(HEADLIGHT);
const table = desk(ui);
const sentences = readout(ui, { exponentials, titlesOf, stageOf, layerOf: table.layerOf });
const states = new WeakMap();
const FOLDER = `${location.origin}${HEADLIGHT.base}/app/static`;
const PANELS = ["scores", "weights", "values"];
const NARROW = 720;
const GAP = 22;
const CELL = 24;
const TALLEST = 460;
const THIN = 10;
const MARGIN = 22;
const DRAG_PX = 8;
const TITLES = { scores: "Scores", weights: "Weights", values: "Weighted values" };
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// Building: one element a panel, made once

function build(parent) {
  const tip = ui.make("div", { class: "hl-tip", role: "status" });
  tip.hidden = true;
  const whole = ui.make("button", { type: "button", class: "hl-whole" }, "show the whole map");
  const root = ui.make("div", { class: "hl-figures" });
  root.append(whole, tip);
  parent.append(root);
  const state = { root, tip, whole, panels: new Map(), pins: [], at: null, given: null, shown: null, drawn: 0, queue: Promise.resolve() };
  for (const name of PANELS) state.panels.set(name, buildPanel(state, name));
  whole.addEventListener("click", () => table.change({ zoom: null }));
  ui.swipes(root);
  new ResizeObserver(() => resized(state)).observe(root);
  state.stops = [
    ui.listen("shown", (shown) => show(state, shown)),
    ui.listen("waiting", (look) => root.classList.toggle("hl-waiting", Boolean(look))),
    ui.listen("hover", (at) => mark(state, at)),
  ];
  return state;
}

function buildPanel(state, name) {
  const title = ui.make("h3", {}, TITLES[name]);
  const switches = ui.make("span", { class: "hl-switches", role: "group", "aria-label": `${TITLES[name]}: which step` });
  const plot = ui.make("div", { class: "hl-plot" });
  const marks = Object.fromEntries(["row", "column", "cell", "zoom"].map((kind) => [kind, ui.make("i", { class: `hl-mark hl-${kind}` })]));
  const cells = ui.make("canvas", { class: "hl-cells", "aria-hidden": "true" });
  const pins = ui.make("span", { class: "hl-pins" });
  const cover = ui.make("div", { class: "hl-cover", role: "application", tabIndex: 0 }, pins, ...Object.values(marks));
  const right = ui.make("canvas", { class: "hl-margin", "aria-hidden": "true" });
  const below = ui.make("canvas", { class: "hl-margin", "aria-hidden": "true" });
  const reason = ui.make("p", { class: "hl-reason" });
  const caption = ui.make("span", { class: "hl-caption" });
  const legend = ui.make("span", { class: "hl-legend" });
  const stage = ui.make("div", { class: "hl-stage" }, plot, cells, right, below, cover);
  const header = ui.make("header", {}, title, switches);
  const root = ui.make("section", { class: "hl-panel" }, header, stage, reason, ui.make("footer", {}, caption, legend));
  const panel = { name, root, header, title, switches, plot, cells, cover, pins, marks, right, below, reason, caption, legend, stage, buttons: [] };
  cover.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(state, panel, event));
  cover.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && leave(state));
  cover.addEventListener("click", (event) => press(state, panel, event));
  cover.addEventListener("dblclick", () => table.change({ zoom: null }));
  for (const kind of ["right", "below"]) {
    panel[kind].addEventListener("pointermove", (event) => pointMargin(state, panel, kind, event));
    panel[kind].addEventListener("pointerleave", () => leave(state));
  }
  dragging(state, panel);
  keyboard(state, panel);
  state.root.insertBefore(root, state.whole);
  return panel;
}

// What is shown

/** The head, its numbers and their axes. Numbers are painted at once; axes only where they changed. */
function show(state, shown) {
  state.shown = shown;
  if (!state.given || !state.root.clientWidth) return;
  const { look } = shown;
  const brought = broughtTo(state, shown);
  state.pins = table.pins(look);
  state.tip.hidden = true;
  for (const panel of state.panels.values()) describe(state, panel, shown, spans.view(cellsOf(panel.name, shown, brought), panel.name, shown));
  const sizes = layOut(state);
  for (const panel of state.panels.values()) if (panel.view) dress(state, panel, sizes.get(panel.name));
  say(state, shown, brought);
  outline(state);
  headers(state);
  state.whole.hidden = !look.zoom;
  if (state.at) moveTo(state, state.at.panel, state.at.row, state.at.column);
  mark(state, ui.last("hover"));
  state.drawn += 1;
  // The axes follow in their own time; what waits for them finds them drawn then.
  state.queue = state.queue.then(() => drawAxes(state)).then(() => { state.root.dataset.drawn = String(state.drawn); });
}

/** What only the server can make of this very head, or null while it is on its way. */
function broughtTo(state, { run, look }) {
  const { brought } = state.given;
  return brought && brought.run === run.id && brought.layer === look.layer && brought.head === look.head ? brought : null;
}

/** Title, switches, caption and legend of one panel. */
function describe(state, panel, shown, view) {
  panel.root.classList.toggle("hl-awaited", Boolean(view.awaited));
  if (view.awaited && panel.view) view = panel.view;
  panel.view = view.z ? view : null;
  panel.what = shown.look[panel.name];
  switchesOf(panel, optionsOf(state, panel, shown));
  panel.caption.textContent = captionOf(state, panel, shown, view);
  panel.stage.hidden = !view.z;
  panel.reason.hidden = !view.reason;
  panel.reason.textContent = view.reason ?? "";
  panel.legend.hidden = !view.z;
  if (view.z) panel.legend.replaceChildren(...legendOf(state, view));
}

function captionOf(state, panel, { look, head }, view) {
  const layer = table.layerOf(head.layer) ?? {};
  const key = { scores: "scores", weights: look.weights, values: look.values }[panel.name];
  const notes = [state.given.captions[key]];
  if (panel.name === "scores" && head.unknown.includes("query")) notes.push(state.given.unknown);
  if (panel.name === "weights" && look.weights === "weights") {
    if (layer.sinkScales) notes.push("a learned sink scales the output instead of the weights");
    if (view.sink) notes.push("with the sink");
    if (head.altered && look.hide.length) notes.push(look.rest === "shared" ? "the rest shares each row" : "what is hidden is missing from each row’s sum");
  }
  return [...notes, view.note, view.pooled ? view.pooledWords : ""].filter(Boolean).join(" · ");
}

/** [{value, label, why}] of a panel's switches, and which of them is on. */
function optionsOf(state, panel, { look, head }) {
  const { labels } = state.given;
  const layer = table.layerOf(head.layer) ?? {};
  if (panel.name === "scores") {
    const names = head.names.filter((name) => name !== "weights" && name !== "tempered");
    const current = stageOf(head, look.stage);
    return { field: "stage", current, options: names.map((value) => ({ value, label: labels.stage[value] ?? value, why: "" })) };
  }
  const own = panel.name;
  const plain = { weights: "weights", values: "output" }[own];
  const options = Object.entries(labels[own]).map(([value, label]) => ({ value, label, why: value === plain ? "" : layer.noContribution ?? "" }));
  return { field: own, current: look[own], options };
}

/** A panel's switches; the same switches stay the same elements, for one of them may have the focus. */
function switchesOf(panel, { field, current, options }) {
  const made = JSON.stringify([field, options.map(({ value, label }) => [value, label])]);
  if (panel.made !== made) {
    panel.made = made;
    panel.buttons = options.map(({ value, label }) => {
      const button = ui.make("button", { type: "button" }, ...subscript(label));
      button.addEventListener("click", () => table.change({ [field]: value }));
      return button;
    });
    panel.switches.replaceChildren(...panel.buttons);
  }
  panel.buttons.forEach((button, i) => {
    Object.assign(button, { title: options[i].why, disabled: Boolean(options[i].why) });
    button.setAttribute("aria-pressed", String(options[i].value === current));
  });
}

/** "after W_O" with its O lowered. */
function subscript(label) {
  const [before, after] = label.split("_");
  return after ? [before, ui.make("sub", {}, after)] : [before];
}

function legendOf(state, { zmin, zmax, scale }) {
  const colours = state.palette[scale].map(([, colour]) => colour).join(",");
  const ramp = ui.make("i");
  ramp.style.background = `linear-gradient(90deg, ${colours})`;
  const short = (value) => (Number.isInteger(value) ? String(value) : ui.number(value, 3));
  return [ui.make("span", {}, short(zmin)), ramp, ui.make("span", {}, short(zmax))];
}

function say(state, shown, brought) {
  const said = alts(ui, shown, shown.look.query, brought, stageOf(shown.head, shown.look.stage));
  for (const panel of state.panels.values()) panel.cover.setAttribute("aria-label", said[panel.name]);
}

// Sizes: side by side with one height and one row of labels, or one under another

function layOut(state) {
  const shown = [...state.panels.values()].filter((panel) => panel.view);
  const total = state.root.clientWidth;
  const stacked = total < NARROW;
  state.root.classList.toggle("hl-stacked", stacked);
  const view = shown[0]?.view;
  const queries = view ? namesOf(state.shown.run.tokens.queries).slice(view.top, view.bottom + 1) : [];
  const labels = axes.leftOf(queries);
  const margins = shown.some((panel) => panel.view.margins);
  const extra = (panel) => (panel.name === "weights" && panel.view?.margins ? MARGIN : 0);
  const right = stacked ? Math.max(2, ...shown.map((panel) => axes.overhang(columnsOf(state, panel)))) : 2;
  const extras = stacked ? MARGIN : shown.reduce((sum, panel) => sum + extra(panel), 0);
  const each = Math.floor(stacked ? total - labels - right - extras : (total - labels - right - extras - 2 * (GAP + 2 + right)) / PANELS.length);
  const height = Math.max(72, Math.min(CELL * queries.length, TALLEST, Math.max(288, each)));
  const tops = new Map(shown.map((panel) => [panel.name, panel.name === "values" ? 28 : axes.topOf(columnsOf(state, panel))]));
  const sizes = new Map();
  const widths = [...state.panels.values()].map((panel, i) => {
    const left = stacked || i === 0 ? labels : 2;
    const top = stacked ? tops.get(panel.name) : Math.max(...tops.values());
    sizes.set(panel.name, { width: left + each + right, left, right, top, height, labelled: left > 2, thin: height / queries.length < THIN,
      below: margins && (!stacked || extra(panel)) ? MARGIN : 0 });
    return left + each + right + extra(panel);
  });
  state.root.style.gridTemplateColumns = stacked ? "minmax(0, 1fr)" : widths.map((width) => `${width}px`).join(" ");
  return sizes;
}

const lists = new WeakMap();

/** The names of one side's tokens, the same array each time. */
function namesOf(tokens) {
  if (!lists.has(tokens)) lists.set(tokens, tokens.map((token) => token.name));
  return lists.get(tokens);
}

/** The names of a panel's columns, with the sink at their end where it has one. */
function columnsOf(state, panel) {
  if (panel.name === "values") return [];
  const names = namesOf(state.shown.run.tokens.keys).slice(panel.view.left, panel.view.right + 1);
  return panel.view.sink ? [...names, "sink"] : names;
}

/** All headers of one height: where there is no room for them, the switches go to a line of their own. */
function headers(state) {
  const wide = ({ header, title, switches }) => title.scrollWidth + 8 + switches.scrollWidth > header.clientWidth + 1;
  const key = JSON.stringify([state.root.clientWidth, ...[...state.panels.values()].map((panel) => panel.made)]);
  if (state.headed === key) return;
  state.headed = key;
  state.root.classList.remove("hl-tight");
  state.root.classList.toggle("hl-tight", [...state.panels.values()].some((panel) => panel.buttons.length && wide(panel)));
}

/** Put the canvas and the cover where the cells are, and paint them. */
function dress(state, panel, size) {
  panel.size = size;
  const { view } = panel;
  const width = size.width - size.left - size.right;
  const box = { left: `${size.left}px`, top: `${size.top}px`, width: `${width}px`, height: `${size.height}px` };
  const margin = view.margins ? MARGIN : 0;
  panel.stage.style.height = `${size.height + size.top + 4 + size.below}px`;
  Object.assign(panel.cover.style, box);
  Object.assign(panel.cells.style, box);
  const hatch = panel.name === "weights" || (panel.name === "scores" && stageOf(state.shown.head, state.shown.look.stage) === "masked");
  paint(ui, panel.cells, view.z, { width, height: size.height, scale: state.palette[view.scale], zmin: view.zmin, zmax: view.zmax, hatch });
  panel.cells.cells = view;
  for (const kind of ["right", "below"]) panel[kind].hidden = !margin;
  if (margin) drawMargins(state, panel, size, width);
}

/** Beside the weights: over how many keys each query spreads; below: what each key receives. Bars, longest = most. */
function drawMargins(state, panel, size, width) {
  const { view } = panel;
  const { spread, mean } = view.margins;
  const bars = (canvas, numbers, across) => {
    const [w, h] = across ? [MARGIN - 4, size.height] : [width, MARGIN - 4];
    const ratio = devicePixelRatio || 1;
    Object.assign(canvas, { width: Math.round(w * ratio), height: Math.round(h * ratio) });
    Object.assign(canvas.style, { width: `${w}px`, height: `${h}px`, left: `${size.left + (across ? width + 4 : 0)}px`, top: `${size.top + (across ? 0 : size.height + 4)}px` });
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.fillStyle = ui.css(ui.mix(state.palette.weights, 0.6));
    const most = Math.max(...numbers, 1e-9);
    const step = (across ? h : w) / numbers.length;
    const gap = step > 6 ? 2 : 0;
    numbers.forEach((number, i) => {
      const long = Math.max(number > 0 ? 1 : 0, (number / most) * (MARGIN - 4));
      if (across) pen.fillRect(0, i * step + gap / 2, long, Math.max(0.5, step - gap));
      else pen.fillRect(i * step + gap / 2, 0, Math.max(0.5, step - gap), long);
    });
  };
  bars(panel.right, spread, true);
  bars(panel.below, mean, false);
}

// Axes, by plotly

async function drawAxes(state) {
  const Plotly = await axes.plotly(FOLDER);
  for (const panel of state.panels.values()) if (panel.view && panel.size) await drawAxis(state, Plotly, panel);
}

async function drawAxis(state, Plotly, panel) {
  const { size, view } = panel;
  const layout = layoutOf(state, panel, size, view);
  const key = JSON.stringify(layout);
  if (panel.axes === key) return;
  panel.axes = key;
  await Plotly.react(panel.plot, [], JSON.parse(key), axes.CONFIG);
}

function layoutOf(state, panel, size, view) {
  const numbers = panel.name === "values";
  const frame = state.given.frames[numbers ? "numbers" : "tokens"];
  const width = size.width - size.left - size.right;
  const columns = columnsOf(state, panel);
  const across = numbers ? { ...axes.columnTicks([], width), tickvals: [0, view.count - 1], ticktext: ["0", String(view.count - 1)], range: [-0.5, view.count - 0.5] }
    : { ...frame.xaxis, ...axes.columnTicks(columns, width), range: [-0.5, columns.length - 0.5] };
  const queries = namesOf(state.shown.run.tokens.queries).slice(view.top, view.bottom + 1);
  return {
    ...frame, width: size.width, height: size.height + size.top + 4, autosize: false, images: [],
    margin: { l: size.left, r: size.right, t: size.top, b: 4 }, font: { ...frame.font, color: state.palette.muted, family: axes.FONT, size: 14 },
    xaxis: { ...frame.yaxis, ...across, side: "top", ...(numbers ? { tickangle: 0 } : {}) },
    yaxis: { ...frame.yaxis, ...axes.rowTicks(queries, size.height, state.pins.map((pin) => pin - view.top)), range: [queries.length - 0.5, -0.5],
      ticklen: size.thin ? axes.TICK : 5, showticklabels: size.labelled },
    shapes: frame.shapes.map((shape) => ({ ...moved(shape, view), line: { ...shape.line, color: state.palette.ink } })),
    annotations: numbers ? [{ ...state.given.across, text: state.given.dimension[state.shown.look.values] }] : [],
  };
}

/** A border between two texts, moved to where the part that is shown has it. */
function moved(shape, { top, left }) {
  return shape.yref === "y" ? { ...shape, y0: shape.y0 - top, y1: shape.y1 - top } : { ...shape, x0: shape.x0 - left, x1: shape.x1 - left };
}

function resized(state) {
  const width = state.root.clientWidth;
  if (!state.shown || !width || width === state.width) return;
  state.width = width;
  show(state, state.shown);
}

// Pointing

function point(state, panel, event) {
  if (state.drag) return;
  const cell = spans.cellAt(panel.cover, panel.view, event);
  if (!cell) return leave(state);
  reveal(state, panel, cell);
}

function reveal(state, panel, cell) {
  const place = spans.placeOf(panel.view, cell, panel.name, state.shown.head);
  ui.say("hover", { query: place.query, key: place.key ?? null, from: "figures" });
  spans.cover(panel.marks.cell, panel.view, cell);
  tell(state, panel, cell, sentences(state.shown, panel, place));
}

function leave(state) {
  state.tip.hidden = true;
  for (const panel of state.panels.values()) panel.marks.cell.style.display = "none";
  ui.say("hover", null);
}

function press(state, panel, event) {
  if (state.dragged) return;
  const cell = spans.cellAt(panel.cover, panel.view, event);
  if (!cell) return;
  reveal(state, panel, cell);
  table.pin(spans.placeOf(panel.view, cell, panel.name, state.shown.head).query, { several: table.isSeveral(event) });
}

/** What a margin's bar stands for. */
function pointMargin(state, panel, kind, event) {
  const { view } = panel;
  const box = panel[kind].getBoundingClientRect();
  const share = kind === "right" ? (event.clientY - box.top) / box.height : (event.clientX - box.left) / box.width;
  const count = kind === "right" ? view.margins.spread.length : view.margins.mean.length;
  const index = Math.max(0, Math.min(count - 1, Math.floor(share * count)));
  const side = kind === "right" ? "queries" : "keys";
  const name = ui.make("b", { class: kind === "right" ? "hl-query" : "hl-key" }, ...ui.named(namesOf(state.shown.run.tokens[side]), index + (kind === "right" ? view.top : view.left)));
  const { received, asked, mean, spread } = view.margins;
  const lines = kind === "right" ? [ui.make("div", {}, name, ` spreads over ${ui.number(spread[index], 3)} tokens`), ui.make("div", {}, "exp(entropy) of its weights: as many, if it looked evenly")]
    : [ui.make("div", {}, name, ` receives ${ui.number(received[index], 3)} in all`), ui.make("div", {}, `from ${asked[index]} queries that may look: ${ui.decimals(mean[index], 3)} each`)];
  ui.say("hover", kind === "right" ? { query: index + view.top, key: null, from: "figures" } : { query: null, key: index + view.left, from: "figures" });
  tell(state, panel, kind === "right" ? { row: index, column: view.z.shape[1] - 1 } : { row: view.z.shape[0] - 1, column: index }, lines);
}

/** A rectangle drawn with the mouse becomes the part that is shown. */
function dragging(state, panel) {
  const { cover } = panel;
  cover.addEventListener("pointerdown", (event) => {
    state.at = null;
    state.dragged = false;
    if (event.pointerType !== "mouse" || event.button !== 0 || panel.name === "values" || !panel.view) return;
    state.drag = { panel, x: event.clientX, y: event.clientY, from: spans.cellAt(cover, panel.view, event) };
  });
  const move = (event) => {
    if (!state.drag || state.drag.panel !== panel) return;
    if (!state.dragged && Math.hypot(event.clientX - state.drag.x, event.clientY - state.drag.y) < DRAG_PX) return;
    state.dragged = true;
    state.tip.hidden = true;
    state.drag.to = spans.nearest(cover, panel.view, event);
    spans.cover(panel.marks.zoom, panel.view, state.drag.from, state.drag.to);
  };
  const stop = () => {
    const { drag } = state;
    if (!drag || drag.panel !== panel) return;
    state.drag = null;
    panel.marks.zoom.style.display = "none";
    if (state.dragged && drag.to && drag.from) table.change({ zoom: spans.boxOf(panel.view, drag.from, drag.to) });
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", stop);
}

/** Arrow keys move from cell to cell as soon as the keyboard has come to a panel; Enter pins, + and − zoom. */
function keyboard(state, panel) {
  const { cover } = panel;
  cover.addEventListener("focus", () => {
    if (!cover.matches(":focus-visible") || !panel.view) return;
    moveTo(state, panel, spans.rowOf(panel.view, state.pins[0] ?? 0), 0);
  });
  cover.addEventListener("blur", () => {
    if (state.at) leave(state);
    state.at = null;
  });
  cover.addEventListener("keydown", (event) => cellKey(state, panel, event));
}

function cellKey(state, panel, event) {
  if (event.altKey || event.ctrlKey || event.metaKey || state.at?.panel !== panel) return;
  const { row, column } = state.at;
  const by = ARROWS[event.key];
  if (event.shiftKey && !["Enter", "+", "_"].includes(event.key)) return;
  if (by) moveTo(state, panel, row + by[0], column + by[1]);
  else if (event.key === "Home") moveTo(state, panel, row, 0);
  else if (event.key === "End") moveTo(state, panel, row, Infinity);
  else if (event.key === "Enter" || event.key === " ") table.pin(spans.placeOf(panel.view, state.at, panel.name, state.shown.head).query, { several: table.isSeveral(event) });
  else if (event.key === "+" || event.key === "=") zoomAt(panel, state.shown.head, state.at, 0.5);
  else if (event.key === "-" || event.key === "_") zoomAt(panel, state.shown.head, state.at, 2);
  else if (event.key === "Escape") panel.cover.blur();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function zoomAt(panel, head, cell, by) {
  if (panel.name !== "values") table.change({ zoom: spans.zoomed(panel.view, cell, by, head) });
}

/** The keyboard's cell, kept within the panel. */
function moveTo(state, panel, row, column) {
  if (!panel.view) return;
  const [rows, columns] = panel.view.z.shape;
  const cell = { row: Math.max(0, Math.min(rows - 1, row)), column: Math.max(0, Math.min(columns - 1, column)) };
  state.at = { panel, ...cell };
  reveal(state, panel, cell);
}

/** Show what is under the pointer beside it, inside the page. */
function tell(state, panel, cell, lines) {
  state.tip.replaceChildren(...lines);
  state.tip.hidden = false;
  const frame = state.root.getBoundingClientRect();
  const box = panel.cover.getBoundingClientRect();
  const [rows, columns] = panel.view.z.shape;
  const x = box.left - frame.left + ((cell.column + 1) / columns) * box.width + 8;
  const y = box.top - frame.top + (cell.row / rows) * box.height - state.tip.offsetHeight - 8;
  const right = frame.width - state.tip.offsetWidth;
  state.tip.style.left = `${Math.max(0, Math.min(x, right))}px`;
  state.tip.style.top = `${y}px`;
}

const drawnPanels = (state) => [...state.panels.values()].filter((panel) => panel.view && panel.size);

/** The row and column under the pointer, wherever on the page it is. */
function mark(state, at) {
  for (const panel of drawnPanels(state)) {
    const { row, column, cell } = panel.marks;
    const query = at?.query ?? null;
    if (query !== null && !state.pins.includes(query)) spans.line(row, panel.view, { query });
    else row.style.display = "none";
    if (at && at.key !== null && at.key !== undefined && panel.name !== "values") spans.line(column, panel.view, { key: at.key });
    else column.style.display = "none";
    if (!at || at.from !== "figures") cell.style.display = "none";
  }
  if (!at || at.from !== "figures") state.tip.hidden = true;
}

/** The outlines of the pinned rows in all panels. */
function outline(state) {
  for (const panel of drawnPanels(state)) {
    while (panel.pins.children.length < state.pins.length) panel.pins.append(ui.make("i", { class: "hl-mark hl-pin" }));
    [...panel.pins.children].forEach((element, i) => {
      element.classList.toggle("hl-thin", panel.size.thin);
      if (i < state.pins.length) spans.line(element, panel.view, { query: state.pins[i] });
      else element.style.display = "none";
    });
  }
}

export default function ({ data, parentElement }) {
  const palette = ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.palette = palette;
  state.given = ui.parse(data);
  state.width = state.root.clientWidth;
  if (state.shown) show(state, state.shown);
  return () => state.stops.forEach((stop) => stop());
}
