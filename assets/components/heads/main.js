/**
 * All heads in one canvas: layers down, heads across, or one after the other in falling order. Each is a small picture
 * or one number. Click, tap, arrow keys, buttons or a swipe choose one; pointing enlarges it.
 *
 * The heads are drawn once, to a bitmap out of sight. What changes while the pointer moves is drawn over a copy of it.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const own = ["choose", "draw", "grid", "enlarged", "numbers", "overlay", "pictures", "pointing", "says"];
const [{ start }, { storeOf }, { explained, term, watchTerms }, choose, { draw, lettered }, { reveal, unroll }, { enlarged, hideEnlarged }, { name, same }, { later }, pictures, pointing, says] =
  await Promise.all(["headlight", "store", "terms", ...own.map((module) => `heads/${module}`)].map(shared));
const { heard, leave, point, pointed } = pointing;
const ui = start(HEADLIGHT);
const states = new WeakMap();

function build(parent, store) {
  const state = { store, at: { layer: 0, head: 0 }, over: null, hover: null, pointed: null, sorted: false, said: false, touch: false, stops: null };
  Object.assign(state, controls(state));
  state.canvas = ui.make("canvas", { tabIndex: 0, role: "application" });
  state.frame = ui.make("div", { class: "frame" }, state.canvas);
  state.why = ui.make("p", { class: "why", role: "status" });
  state.legend = legend();
  state.says = ui.make("p", { class: "says" });
  state.more = { source: ui.make("p"), hides: ui.make("p"), note: ui.make("p") };
  const more = ui.make("details", {}, ui.make("summary", {}, "Source, and what this hides"), ...Object.values(state.more));
  state.name = term("head");
  state.title = ui.make("h2", { "aria-live": "polite" }, state.name);
  state.same = ui.make("p", { class: "same" }, "Not changed: here, in the words below and in what comes next the model runs as it is.");
  state.notes = ui.make("div", { class: "notes" }, state.same, state.says);
  state.worth = ui.make("p", { class: "worth", "aria-live": "polite" });
  state.unseen = ui.make("table");
  const line = ui.make("div", { class: "line" }, state.title, steppers(state));
  state.root = ui.make("div", { class: "heads" }, state.caption, state.tools, state.frame, state.why, state.legend.root,
    state.notes, more, line, state.worth, ui.make("div", { class: "unseen" }, state.unseen));
  state.enlarged = enlarged();
  parent.append(state.root, state.enlarged.root);
  watchTerms(parent);
  attach(state);
  return state;
}

function controls(state) {
  const select = ui.make("select", { "aria-label": "Show" });
  const measure = term("measure.weights", "Show");
  select.addEventListener("change", () => state.store.change({ measure: select.value }, { now: true }));
  const caption = ui.make("div", { class: "caption" }, ui.make("span", { class: "label" }, term("heads", "All heads")),
    ui.make("span", { class: "show" }, measure, select));
  const sorter = explained(ui.make("button", { type: "button", class: "sort", "aria-pressed": "false" }, "Sort"), "sort");
  sorter.addEventListener("click", () => state.store.change({ sort: !state.sorted }));
  const countedOn = ui.make("div", { class: "counted-on", role: "group", "aria-label": "Counted on" });
  return { select, measure, caption, sorter, countedOn, tools: ui.make("div", { class: "tools" }, sorter, countedOn) };
}

function steppers(state) {
  return ui.make("div", { class: "steps" }, ...choose.STEPS.map(([sign, , dLayer, dHead, title]) => {
    const button = ui.make("button", { type: "button", title, "aria-label": title }, sign);
    button.addEventListener("click", () => choose.step(state, dLayer, dHead));
    return button;
  }));
}

function legend() {
  const part = Object.fromEntries(["low", "ramp", "high", "words", "mark"].map((one) => [one, ui.make("span", { class: one })]));
  explained(part.mark, "even", { isControl: false });
  const bar = ui.make("div", { class: "bar" }, part.low, part.ramp, part.high, part.words);
  return { ...part, root: ui.make("div", { class: "legend" }, bar, part.mark) };
}

function attach(state) {
  const { canvas, frame } = state;
  canvas.addEventListener("pointerdown", (event) => { state.touch = event.pointerType === "touch"; });
  canvas.addEventListener("pointermove", (event) => event.pointerType !== "touch" && point(state, event));
  canvas.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && leave(state));
  canvas.addEventListener("click", (event) => choose.press(state, event));
  canvas.addEventListener("keydown", (event) => choose.gridKey(state, event));
  canvas.addEventListener("blur", () => leave(state));
  frame.addEventListener("scroll", () => !state.walking && leave(state), { passive: true });
  new ResizeObserver(() => frame.offsetWidth !== state.plan?.whole && draw(state)).observe(frame);
  ui.swipes(state.root, (by) => state.store.emit("swipe", by));
}

/** What is heard from outside the component; again after it was taken down. */
function connect(state) {
  const outside = new AbortController();
  const on = (type, heardThere, options = {}) => document.addEventListener(type, heardThere, { ...options, signal: outside.signal });
  on("keydown", (event) => choose.pageKey(state, event));
  on("scroll", () => state.enlarged.shown && !state.walking && leave(state), { capture: true, passive: true });
  on("pointerdown", (event) => state.touch && !event.composedPath().includes(state.canvas) && leave(state), { capture: true });
  return [
    state.store.listen("shown", ({ look, head }) => {
      follow(state, look);
      state.notes.classList.toggle("altered", Boolean(head.altered));
    }),
    state.store.listen("waiting", (look) => look && follow(state, look)),
    state.store.listen("hover", (hover) => heard(state, hover)), state.store.listen("pointed", (cell) => pointed(state, cell)),
    state.store.listen("swipe", (by) => choose.step(state, 0, by)),
    () => outside.abort(), choose.register(state),
  ];
}

function disconnect(state) {
  leave(state);
  state.stops?.forEach((stop) => stop());
  state.stops = null;
}

/** What the store shows, or waits for: the outline moves at once. */
function follow(state, look) {
  const moved = !same(look, state.at) || state.name.textContent === "";
  const resorted = state.sorted !== look.sort;
  Object.assign(state, { at: { layer: look.layer, head: look.head }, sorted: look.sort, look });
  says.chosen(state);
  if (resorted) {
    draw(state);
    unroll(state);
  }
  if (moved) {
    state.name.textContent = name(state.at);
    reveal(state);
  }
  says.told(state);
  later(state);
}

export default function ({ data, store, parentElement }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  const given = ui.parse(data);
  const ramp = pictures.rampOf(palette[given.picture.scale]);
  Object.assign(state, { palette, given, ramp, atlas: pictures.atlasOf(given, ramp) });
  state.store.say("overview", given); // pictures are made of what is shown
  hideEnlarged(state);
  says.describe(state);
  state.stops ??= connect(state);
  const look = state.store.look() ?? state.look;
  if (look) follow(state, look);
  draw(state);
  unroll(state);
  lettered(state);
  return () => disconnect(state);
}
