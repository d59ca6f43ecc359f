/**
 * The three panels of one head: axes from layouts that Python made, and over them the cells on a canvas, from the head in
 * the store, so that another head, stage or temperature needs no server and no new axes.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const own = ["describe", "draw", "margins", "marks", "panel", "pointing", "sizes", "walk", "zoom"];
const [{ start }, { storeOf }, { pinsOf }, { cellsOf }, spans, around, { drawAxes, drawCells }, { pointAtBars }, { outline }, { panelOf }, { leave, mark, partsOf, pin, reveal },
  { layOut }, { speakOn, walk }, { zoomKey, zoomLine, zoomable }, { term, watchTerms }, { closeUp, isPresenting, whenPresented }] = await Promise.all(
  ["headlight", "store", "look", "cells", "spans", ...own.map((name) => `figures/${name}`), "terms", "present"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const TITLES = { scores: "Scores", weights: "Weights", values: "Weighted values" };

function build(parent, store) {
  const tip = ui.make("div", { class: "hl-tip", role: "status", hidden: true });
  const which = ui.make("div", { class: "hl-which", "aria-hidden": "true" });
  const root = ui.make("div", { class: "hl-figures" });
  const state = { store, root, tip, which, panels: new Map(), pins: [], at: null, over: null, drag: null, dragged: false,
    given: null, from: null, shown: null, presented: false, width: 0, drawn: 0, stops: null };
  for (const [name, title] of Object.entries(TITLES)) state.panels.set(name, buildPanel(state, name, title));
  state.zooms = zoomLine(state);
  root.append(which, ...[...state.panels.values()].map((panel) => panel.root), state.zooms.root, tip);
  parent.append(root);
  watchTerms(parent);
  ui.swipes(root, (by) => store.emit("swipe", by));
  new ResizeObserver(() => resized(state)).observe(root);
  return state;
}

function buildPanel(state, name, title) {
  const panel = panelOf("hl", name);
  panel.title.append(term(`map.${name}`, title));
  const canvas = (kind) => ui.make("canvas", { class: kind, "aria-hidden": "true" });
  const extra = { cells: canvas("hl-cells"), right: canvas("hl-margin"), below: canvas("hl-margin") };
  const bars = ui.make("span", { class: "hl-bars", hidden: true }, term("bars", "bars"));
  Object.assign(panel, extra, { bars }, { switches: ui.make("span", { class: "hl-switches", role: "group", "aria-label": `${title}: which step` }), buttons: [] });
  panel.header.append(panel.switches);
  panel.cover.before(...Object.values(extra));
  panel.cover.after(bars);
  walk(state, panel, {
    show: (...cell) => reveal(state, ...cell), leave: () => leave(state), pin: (...cell) => pin(state, ...cell),
    parts: (...cell) => partsOf(state, ...cell), other: (...event) => zoomKey(state, ...event),
  });
  zoomable(state, panel);
  pointAtBars(state, panel, leave);
  return panel;
}

/** What is heard from outside the component; again after it was taken down. */
function connect(state) {
  return [
    state.store.listen("shown", (shown) => show(state, shown)),
    state.store.listen("waiting", (look) => state.root.classList.toggle("hl-waiting", Boolean(look))),
    state.store.listen("hover", (at) => mark(state, at)), whenPresented((isOn) => (isOn || state.presented) && again(state)),
  ];
}

function disconnect(state) {
  state.stops?.forEach((stop) => stop());
  state.stops = null;
}

/** The head, its numbers and their axes. Numbers are painted at once; axes only where they changed. */
function show(state, from) {
  const shown = isPresenting() ? closeUp(from) : from;
  Object.assign(state, { from, shown });
  if (!state.given || !state.root.clientWidth) return;
  state.width = state.root.clientWidth;
  state.pins = pinsOf(shown.look);
  state.which.textContent = `Layer ${shown.look.layer}, head ${shown.look.head}`;
  const brought = broughtTo(state, shown);
  const panels = [...state.panels.values()];
  for (const panel of panels) around.describe(state, panel, shown, spans.view(cellsOf(panel.name, shown, brought), panel.name, shown));
  layOut(state);
  around.headers(state);
  // What stands around the maps is known once it is there.
  if (isPresenting()) layOut(state);
  for (const panel of panels) {
    if (!panel.view) continue;
    drawCells(state, panel);
    outline(panel, state.pins);
  }
  around.sayAll(state, shown, brought);
  state.zooms.update(from);
  state.tip.hidden = true;
  mark(state, state.store.last("hover"));
  speakOn(state);
  state.drawn += 1;
  drawAxes(state);
  state.root.dataset.drawn = String(state.drawn);
}

/** What only the server can make of this very head, or null while it is on its way; a file brings all heads' at once. */
function broughtTo({ given: { brought } }, { run, look }) {
  return [brought ?? []].flat().find((one) => one.run === run.id && one.layer === look.layer && one.head === look.head) ?? null;
}

/** Draw once more, for the room is another one. */
function again(state) {
  state.presented = isPresenting();
  if (state.from) show(state, state.from);
}

function resized(state) {
  if (state.from && state.root.clientWidth !== state.width) show(state, state.from);
}

export default function ({ data, store, parentElement }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  Object.assign(state, { palette, given: ui.parse(data) });
  if (state.stops && state.from) show(state, state.from);
  state.stops ??= connect(state);
  return () => disconnect(state);
}
