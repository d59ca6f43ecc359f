/** A part of the map instead of all of it: a rectangle drawn with the mouse, + and −, two buttons, and the way back. */
const version = new URL(import.meta.url).search;
const [{ ui }, spans, marks] = await Promise.all(
  ["../headlight", "../spans", "./marks"].map((name) => import(`${name}.js${version}`)));

const DRAG_PX = 8;
// A map of more tokens a side has the buttons before it is zoomed into.
const LARGE = 48;
const [CLOSER, FARTHER] = [0.5, 2];
const BY = { "+": CLOSER, "=": CLOSER, "-": FARTHER, _: FARTHER };
const HINT = "+ and − zoom, double-click shows the whole";

const whole = ({ store }) => store.change({ zoom: null });

/** A panel of tokens can be zoomed into; that of the values goes with it. */
export function zoomable(state, panel) {
  const { cover } = panel;
  cover.addEventListener("dblclick", () => whole(state));
  cover.addEventListener("pointerdown", (event) => {
    state.dragged = false;
    if (event.pointerType !== "mouse" || event.button !== 0 || panel.name === "values" || !panel.view) return;
    state.drag = { x: event.clientX, y: event.clientY, from: marks.cellAt(panel, event), to: null };
    // The pointer may end outside of the map.
    cover.setPointerCapture(event.pointerId);
  });
  cover.addEventListener("pointermove", (event) => drag(state, panel, event));
  cover.addEventListener("lostpointercapture", () => drop(state, panel));
}

function drag(state, panel, event) {
  const { drag: own } = state;
  if (!own?.from || (!state.dragged && Math.hypot(event.clientX - own.x, event.clientY - own.y) < DRAG_PX)) return;
  if (!state.dragged) state.store.say("hover", null);
  state.dragged = true;
  own.to = marks.nearest(panel, event);
  marks.overCells(panel.marks.zoom, panel, own.from, own.to);
}

function drop(state, panel) {
  const { drag: own } = state;
  state.drag = null;
  marks.hide(panel.marks.zoom);
  if (own?.to && panel.view) state.store.change({ zoom: spans.boxOf(panel.view, own.from, own.to) });
}

/** + and − zoom around the cell that the keyboard is on; says whether this was one of them. */
export function zoomKey(state, panel, { key }) {
  if (!(key in BY)) return false;
  const { shown, at } = state;
  if (panel.name !== "values") zoom(state, panel.view, spans.placeOf(panel.view, at, panel.name, shown.head), BY[key]);
  return true;
}

function zoom({ store, shown }, view, { query, key = view.right }, by) {
  store.change({ zoom: spans.zoomed(view, { query, key }, by, shown.head) });
}

/** The line of buttons: {root, update}. It is there where a map is large, or only a part of it is shown. */
export function zoomLine(state) {
  const button = (sign, properties, press) => {
    const made = ui.make("button", { type: "button", ...properties }, sign);
    made.addEventListener("click", press);
    return made;
  };
  const [out, closer] = [
    button("−", { "aria-label": "Zoom out" }, () => zoomOut(state)),
    button("+", { "aria-label": "Zoom in around the pinned token" }, () => zoomIn(state)),
  ];
  const back = button("show the whole map", { class: "hl-whole", title: HINT }, () => whole(state));
  const root = ui.make("div", { class: "hl-zooms", role: "group", "aria-label": "Part of the map" }, back, out, closer);
  const update = ({ look, head }) => {
    const view = viewOf(state);
    root.hidden = !look.zoom && !(view && Math.max(head.queries, head.keys) > LARGE);
    back.hidden = out.disabled = !look.zoom;
    closer.disabled = !view || spans.isLeast(view);
  };
  return { root, update };
}

/** The view of a map of tokens, or null where none is drawn. */
const viewOf = ({ panels }) => panels.get("weights").view ?? panels.get("scores").view;

/** Around the pinned token and where it has its largest weight, if that is in sight; else around the middle. */
function zoomIn(state) {
  const { shown: { head }, pins: [query] } = state;
  const view = viewOf(state);
  if (query < view.top || query > view.bottom) {
    zoom(state, view, middleOf(view), CLOSER);
    return;
  }
  const row = head.row("weights", query);
  const key = row ? row.reduce((best, weight, i) => (weight > row[best] ? i : best), 0) : Math.floor((view.left + view.right) / 2);
  zoom(state, view, { query, key }, CLOSER);
}

/** Around the middle of what is shown, which stays in sight. */
function zoomOut(state) {
  const view = viewOf(state);
  zoom(state, view, middleOf(view), FARTHER);
}

const middleOf = ({ top, bottom, left, right }) => ({ query: Math.ceil((top + bottom) / 2), key: Math.ceil((left + right) / 2) });
