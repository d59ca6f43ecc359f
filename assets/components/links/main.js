/**
 * The links of a head: every query joined with the keys it looks at, by lines whose opacity is the weight.
 *
 * Two canvases, one over the other: the lines of all queries, thin, and those of the row on show. Only the tokens in
 * sight are in the document, and only what is in sight is drawn. The parts lie in `static/links`.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { term, watchTerms }] = await Promise.all(["headlight", "store", "terms"].map(shared));
const ui = start(HEADLIGHT);
const [columns, { chipLine, chips }, { shapes, thresholds }, { frames }, { gather, nameOf }, { layOut, watch }, { written }, { subjectOf }, { listBox }, { tell }] =
  await Promise.all(["columns", "chips", "controls", "frame", "heads", "layout", "lines", "subject", "table", "words"].map((name) => shared(`links/${name}`)));
const states = new WeakMap();
const BELOW = "What this does not show: thickness and opacity are weights, so they tell how much of a key’s value is taken, not what"
  + " that value says, and not what the head changes in the result.";

function build(parent, store) {
  const state = {
    store, run: null, look: null, head: null, arcs: false, at: null, held: null, heads: [], missing: [], subject: null, values: [], shades: null,
    lines: null, all: null, stale: true, size: { width: 0, height: 0 }, stops: null,
  };
  state.later = frames(state);
  const note = (role) => ui.make("p", { class: "note", role, hidden: true });
  const canvas = (name) => ui.make("canvas", { class: `lines ${name}`, "aria-hidden": "true" });
  Object.assign(state, {
    chips: chipLine(state), thresholds: thresholds(state), columns: { query: columns.column(state, "query"), key: columns.column(state, "key") },
    list: listBox((key) => pointAt(state, key), () => columns.leave(state), (place) => find(state, place)),
    shapes: shapes((arcs) => layOut(Object.assign(state, { arcs }))),
    rest: canvas("rest"), strong: canvas("strong"), missed: note("note"), sides: note("note"), late: note("status"), words: note("status"),
    drawn: ui.make("span", { class: "drawn", role: "status" }), readout: ui.make("span", { class: "readout" }),
    headings: ui.make("div", { class: "headings" },
      ui.make("span", { class: "queries" }, term("side.queries", "queries")), ui.make("span", { class: "keys" }, term("side.keys", "keys"))),
  });
  state.stage = ui.make("div", { class: "stage" }, state.columns.query.element, ui.make("div"), state.columns.key.element, state.rest, state.strong);
  state.frame = ui.make("div", { class: "body" }, ui.make("div", { class: "picture" }, state.headings, state.stage, state.sides), state.list.root);
  parent.append(ui.make("div", { class: "links" },
    ui.make("div", { class: "top-line" }, ui.make("span", { class: "label" }, term("drawn", "Heads")), state.chips, state.shapes.root), state.missed, state.frame,
    // Below the picture, so that no word that comes and goes moves a token from under the pointer.
    ui.make("div", { class: "foot" }, state.drawn, state.readout, ...state.thresholds.labels), state.late, state.words,
    ui.make("p", { class: "below" }, BELOW)));
  watchTerms(parent);
  state.stage.addEventListener("wheel", (event) => columns.wheel(state, event), { passive: false });
  Object.defineProperty(state.rest, "links", { get: () => (state.all && state.rest.style.visibility !== "hidden" ? written(state, state.all) : []) });
  Object.defineProperty(state.strong, "links", { get: () => (state.lines ? written(state, state.lines) : []) });
  return state;
}

/** The pointer in the table looks at one link of the row on show. */
function pointAt(state, key) {
  const { side, places } = subjectOf(state);
  if (key !== null && side === "query" && places.length === 1) state.store.say("hover", { query: places[0], key, from: "links" });
}

/** A click in the table brings its token into sight. */
function find(state, place) {
  if (place !== null) columns.reveal(state, state.columns[state.arcs || state.subject.side === "key" ? "query" : "key"], place, true);
}

function show(state, { run, look, head }) {
  const before = { run: state.run, pin: state.look?.query, heads: state.heads.length };
  Object.assign(state, { run, look, head, lines: null, all: null });
  const isOther = before.run !== run;
  if (isOther) {
    columns.takeTokens(state);
    state.held = null;
    state.shapes.root.hidden = !run.tokens.same;
    state.arcs &&= run.tokens.same;
  }
  gather(state);
  chips(state);
  state.thresholds.write(look);
  if (isOther || before.heads !== state.heads.length) layOut(state);
  if (isOther || before.pin !== look.query) columns.goTo(state, look.query);
  state.later();
}

/** A head that has not travelled yet: what is drawn stays, and says whose it is not. */
function wait(state, wanted) {
  state.stage.classList.toggle("waiting", Boolean(wanted));
  tell(state.late, wanted ? `The links of head ${nameOf(wanted.layer, wanted.head)} are on their way.` : "");
}

/** A row or key under the pointer, here or in another view. */
function hear(state, at) {
  if (!at && !state.at) return;
  Object.assign(state, { at: at ?? null, lines: null });
  state.follow = at && at.from !== "links" ? at : null;
  state.later();
}

export default function ({ store, parentElement }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  const isOther = state.palette?.name !== palette.name;
  state.palette = palette;
  state.stops ??= [
    state.store.listen("shown", (shown) => show(state, shown)), state.store.listen("waiting", (look) => wait(state, look)),
    state.store.listen("hover", (at) => hear(state, at)), watch(state),
  ];
  if (isOther && state.run) show(state, state);
  return () => {
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
