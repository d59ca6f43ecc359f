/**
 * Inside one score: the products of a query and a key by dimension, or by the pairs that a rotary model turns, and the
 * queries and keys of all tokens as strips. Everything is made here, of q and k that travelled; the payload says how the
 * model pairs and turns its dimensions (`attention/browser/rotary.py`), which cannot be seen in q and k. The parts
 * lie in `static/dimensions`.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { term, watchTerms }] = await Promise.all(["headlight", "store", "terms"].map(shared));
const ui = start(HEADLIGHT);
const [{ bars, drawBars }, { keyBox, offer }, { mark }, { isPaired, optionsOf, switches }, { pairOf, takeApart }, { nameRows, paintStrips, reveal, strip }, { fillTable, tableBox }, { beforeTurning, turnOf, unitsOf, vectorsOf }, { chainOf, largestIn, notesOf, placesOf, whyNot }] =
  await Promise.all(["bars", "choice", "marks", "options", "products", "strips", "table", "vectors", "words"].map((name) => shared(`dimensions/${name}`)));
const states = new WeakMap();

function build(parent, store) {
  const state = { store, palette: null, given: null, shown: null, options: optionsOf(store), vectors: null, sources: [], at: null, dim: null, cell: null, painted: "", stops: null };
  Object.assign(state, {
    said: ui.make("p", { class: "said" }), named: term("inside"), chain: ui.make("p", { class: "chain" }),
    largest: ui.make("p", { class: "largest" }), notes: ui.make("p", { class: "notes" }),
    readout: ui.make("p", { class: "readout", "aria-live": "polite" }), legend: ui.make("span", { class: "legend", title: "colours of q and k, centred on 0" }),
    key: keyBox(state), switches: switches(state), bars: bars(state), table: tableBox(),
    strips: { query: strip(state, "query"), key: strip(state, "key") },
  });
  state.body = ui.make("div", { class: "body", hidden: true },
    ui.make("div", { class: "top" }, state.chain, state.key.root), state.largest, state.switches.root, state.bars.root, state.readout, state.table.root,
    ui.make("div", { class: "bar" }, ui.make("h4", {}, term("strips", "All tokens")), state.legend),
    ui.make("div", { class: "strips" }, state.strips.query.root, state.strips.key.root), state.notes);
  state.title = ui.make("h3", {}, state.named);
  parent.append(ui.make("section", { class: "dimensions" }, state.title, state.said, state.body));
  watchTerms(parent);
  return state;
}

function watch(state) {
  const observer = new ResizeObserver(() => {
    state.painted = "";
    draw(state);
  });
  observer.observe(state.body);
  return () => observer.disconnect();
}

/** Everything, of the head on show. */
function draw(state) {
  if (!state.shown) return;
  const { look } = state.shown;
  state.vectors = vectorsOf(state.shown);
  const why = state.vectors ? "" : whyNot(state.shown);
  state.named.textContent = `Inside a score of layer ${look.layer}, head ${look.head}`;
  state.said.textContent = why;
  state.said.hidden = !why;
  state.body.hidden = Boolean(why);
  if (why) return;
  turn(state);
  state.units = unitsOf(state.vectors.query.shape[1], isPaired(state) ? state.turn.pairs : null);
  state.switches.press(state);
  nameRows(state);
  paintStrips(state);
  state.notes.replaceChildren(...notesOf(state).map((note) => ui.make("span", {}, note)));
  state.width = state.bars.root.clientWidth;
  const pair = pairOf(state);
  tell(state, pair);
  offer(state.key, state.strips.key.list, look.key, pair.key);
  fillTable(state, pair);
  mark(state);
  for (const side of ["query", "key"]) reveal(state, side, pair[side]);
}

/** Turn queries and keys back, where others came or others are known. */
function turn(state) {
  state.turn = turnOf(state);
  const sources = [state.vectors.layer, state.shown.look.head, state.turn.angles];
  if (sources.every((one, i) => one === state.sources[i])) return;
  Object.assign(state, { sources, before: beforeTurning(state.vectors, state.turn), painted: "" });
}

/** Everything that is said of one query and one key. */
function tell(state, pair) {
  state.made = takeApart(state, pair);
  state.pair = pair;
  state.places = placesOf(state.made.units);
  state.chain.replaceChildren(...chainOf(state, pair));
  state.largest.textContent = largestIn(state);
  drawBars(state);
}

/** What is under the pointer anywhere on the page; the numbers change only where another query or key is meant. */
function hear(state, at) {
  const before = state.vectors && pairOf(state);
  state.at = at ?? null;
  if (!before) return;
  const after = pairOf(state);
  if (before.query !== after.query || before.key !== after.key) tell(state, after);
  mark(state);
}

export default function ({ data, store, parentElement }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  Object.assign(state, { palette, given: ui.parse(data) });
  state.store.say("rotary", state.given); // pictures are made of it
  if (state.stops) draw(state);
  state.stops ??= [
    state.store.listen("shown", (shown) => draw(Object.assign(state, { shown }))),
    state.store.listen("options", (options) => draw(Object.assign(state, { options }))),
    state.store.listen("waiting", (look) => state.title.classList.toggle("waiting", Boolean(look))),
    state.store.listen("hover", (at) => hear(state, at)), watch(state),
  ];
  // An older call's end must not silence what a newer one listens to.
  const call = state.call = Symbol("call");
  return () => {
    if (state.call !== call) return;
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
