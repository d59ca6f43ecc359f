/**
 * Build: a person's own sentence through every step of one attention layer, all of it made here; the server only compares. The
 * parts lie in `static/build`, the layer in `static/local`.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const { start } = await shared("headlight");
const ui = start(HEADLIGHT);
const [{ button, choices, css, line }, { queryOf, read, settingsLine }, { aids }, { byWord }, { checking }, { comparison }, { controls }, { nameOf }, { historyOf }, { legend }, { making }, model, { nowOf }, { parts }, { said }, { training }, { progressOf }, { presetOf }, { storeOf }, { explained, term, watchTerms }] = await Promise.all(
  ["draw/inputs", "build/address", "build/aids", "build/byword", "build/check", "build/compare", "build/controls", "build/editor", "build/history", "build/legend", "build/made", "build/model", "build/now", "build/parts", "build/words", "build/training", "lesson/progress", "local/presets", "store", "terms"].map(shared));
const { MOST, SAMPLES, edited, lifted, made: makeAll, retagged, settled, tagsOf } = model;
const states = new WeakMap();
const [ADDRESS_MS, GESTURE_MS] = [250, 1500];
// The lessons take a sentence of the person's own up to this length.
const LONGEST_OWN = 300;

/** The address: the browser's own, or what the server was asked for, where a page was switched before its address was. */
function addressOf({ address }) {
  const own = new URLSearchParams(location.search);
  return own.has("text") || own.has("build") ? location.search : `?${new URLSearchParams(address)}`;
}

function build(parent, given, store) {
  const own = { store, palette: null, cell: null, before: null, last: { gesture: "", time: 0 }, timer: 0, root: null, send: () => {} };
  const progress = progressOf();
  const { state, problems } = read(addressOf(given), progress.sentence() || model.EXAMPLE);
  Object.assign(own, { state, made: makeAll(state) });
  own.now = () => ({ ...own.state, sentence: progress.sentence() });
  own.history = historyOf({
    now: own.now, same: isSame, changed: () => offer(own),
    go: ({ sentence, ...to }, words) => {
      goTo(own, to, words);
      if (progress.sentence() !== sentence) progress.setSentence(sentence);
    },
  });
  const kit = {
    pin: (changes) => turn(own, changes), cell: (query, key) => turn(own, key === null ? { query } : { query, key }),
    choose: (cell) => draw(Object.assign(own, { cell })),
    edit: (cell, value) => {
      const next = edited(own.state, { ...cell, value });
      // It stays chosen: which cell one is offered depends on the numbers.
      if (cell.matrix !== "scores") own.cell = cell;
      const words = `${nameOf(cell, own.made)} set by hand`;
      replace(own, next, words, words); // a cell's field is one gesture, and each cell another
    },
    lift: (cell) => replace(own, lifted(own.state, cell), `${nameOf(cell, own.made)} lifted`),
  };
  Object.assign(own, {
    text: ui.make("textarea", { rows: 1, maxLength: MOST.characters, spellcheck: false, value: state.text }), left: ui.make("p", { class: "note" }), problems: ui.make("p", { class: "problems", role: "status" }, problems.join(" ")),
    queries: ui.make("div", { class: "chips", role: "group", "aria-label": "The query: who looks" }), keys: ui.make("div", { class: "chips", role: "group", "aria-label": "The key: who is looked at" }), heads: ui.make("div"),
    controls: controls((changes, words, gesture) => turn(own, changes, words, gesture)), compare: comparison(() => draw(Object.assign(own, { before: null }))),
    making: making({ use: (preset) => take(own, { ...retagged(own.state, preset.sample), tags: preset.tags }, preset.sample), tag: (at) => tag(own, at) }),
    check: checking((ask) => own.send(ask)), parts: parts(kit), edits: ui.make("ul", { class: "edits" }), editsTitle: ui.make("h2", {}, "Set by hand"), inspect: ui.make("span", { class: "inspect" }),
    words: byWord({ pin: (query) => turn(own, { query }), use: (preset) => turn(own, { preset, tags: [], edits: [], layer: 0 }, `the head “${presetOf(preset).title}”`) }), legends: [legend(), legend()],
    aids: aids(() => own.state), training: training(() => own.palette), body: ui.make("div", { class: "body" }), none: ui.make("p", { class: "none", hidden: true }, "There is no word to look at yet: type a sentence."),
  });
  own.editsBox = ui.make("section", { class: "byhand" }, own.editsTitle, own.edits, line(button("Lift all", () => replace(own, { ...own.state, edits: [] }, "all edits lifted"))));
  own.text.addEventListener("input", () => {
    take(own, retagged(own.state, own.text.value));
    if (own.state.text.length <= LONGEST_OWN) progress.setSentence(own.state.text.trim());
  });
  const samples = SAMPLES.map(([sample]) => button(sample, () => take(own, { ...retagged(own.state, sample), tags: own.state.preset === "verb" ? tagsOf(sample) : [] }, sample)));
  const prompt = ui.make("section", { class: "prompt" }, ui.make("label", {}, ui.make("span", { class: "name" }, "Your sentence"), own.text), line(ui.make("span", { class: "name" }, "Try"), ...samples), own.left, own.problems);
  own.body.append(
    ui.make("section", { class: "pins", "aria-label": "The pinned pair" }, ui.make("div", {}, ui.make("span", { class: "name query" }, term("pinned", "query")), own.queries), ui.make("div", {}, ui.make("span", { class: "name key" }, term("key", "key")), own.keys), own.heads),
    ui.make("div", { class: "panel" }, own.controls.root, own.compare.root), own.making.root,
    ui.make("div", { class: "foot" }, own.check.root, own.inspect),
    own.words.root, own.legends[0].root,
    ui.make("div", { class: "steps" }, ui.make("nav", { "aria-label": "Steps" }, own.parts.list, own.editsBox, own.legends[1].root), own.parts.root));
  own.root = ui.make("section", { class: "build" }, ui.make("h1", {}, "One attention layer, step by step"), intro(), prompt, own.none, own.body, own.aids.root, own.training.root);
  parent.append(ui.make("style", {}, css), own.root);
  watchTerms(parent);
  return own;
}

/** What this page is, for who has never seen it. */
function intro() {
  const base = ui.lessons();
  const more = base ? [" New to this? ", ui.make("a", { href: base }, "Begin with the lessons"), "."] : [];
  return ui.make("p", { class: "intro" }, "Each word of your sentence looks at the others and takes something from each. Here you see how, number by number, and can change everything.", ...more);
}

/** Change some fields of the state; words say what a setting became, and nothing for a pin. gesture: see `build/history`. */
function turn(own, changes, words = "", gesture = "") {
  replace(own, { ...own.state, ...changes }, words, gesture);
}

/** Another sentence: what was before it is of other tokens. sample: the one that was taken; "" for one that is typed. */
function take(own, state, sample = "") {
  own.before = null;
  replace(own, state, "", sample ? "" : "typing");
  if (own.text.value !== own.state.text) own.text.value = own.state.text;
}

/** Back or forward to another state; it stands beside the one that was left where both are of the same tokens. */
function goTo(own, state, words) {
  const isOfThem = state.text === own.state.text;
  if (!isOfThem) own.before = null;
  own.last = { gesture: "", time: 0 };
  change(own, state, isOfThem ? words : "");
  if (own.text.value !== own.state.text) own.text.value = own.state.text;
}

/** The bar's Undo and Redo are this page's. */
const offer = (own) => own.store.say("steps", own.history.steps());

function tag(own, at) {
  const { tags } = own.state;
  turn(own, { tags: tags.includes(at) ? tags.filter((one) => one !== at) : [...tags, at] }, `the tag of “${own.made.names[at]}”`);
}

/** Whether two states differ in no more than what is pinned. */
const isSame = (one, other) => ["text", "settings", "preset", "tags", "edits"].every((name) => JSON.stringify(one[name]) === JSON.stringify(other[name]));

/** Another state, as a step that can be taken back; a pin is none. */
function replace(own, next, words, gesture = "") {
  const before = own.now();
  change(own, next, words, gesture);
  if (!isSame(before, own.state)) own.history.add(before, { words, gesture });
}

function change(own, next, words, gesture = "") {
  const { state, dropped } = settled(next);
  if (words) remember(own, words, gesture);
  Object.assign(own, { state, made: isSame(state, own.state) ? own.made : makeAll(state) });
  own.problems.textContent = dropped ? `${dropped === 1 ? "One number set by hand has" : `${dropped} numbers set by hand have`} no place in the new sizes and ${dropped === 1 ? "was" : "were"} lifted.` : "";
  draw(own);
  clearTimeout(own.timer);
  own.timer = setTimeout(() => publish(own), ADDRESS_MS);
}

/** What was before a change stays beside what is now; one gesture, as of a slider, is one change. */
function remember(own, words, gesture) {
  const [now, time] = [nowOf(own), performance.now()];
  const isOne = own.before && gesture && own.last.gesture === gesture && time - own.last.time < GESTURE_MS;
  own.before = isOne ? { ...own.before, words } : now && { now, words };
  own.last = { gesture, time };
}

function publish(own) {
  if (!own.root.isConnected) return; // the address is another page's by now
  const query = queryOf(own.state, location.search);
  if (query !== location.search.slice(1)) history.replaceState(history.state, "", `${location.pathname}?${query}`);
}

function draw(own) {
  const now = nowOf(own);
  own.body.hidden = !now;
  own.none.hidden = Boolean(now);
  own.left.textContent = own.made.left ? `The first ${MOST.tokens} tokens are used; ${own.made.left} more ${own.made.left === 1 ? "is" : "are"} left out, so that every number can be seen.` : "";
  own.check.told(own.state, own.made);
  if (!now) return;
  drawPins(own, now);
  own.controls.draw(own.state, own.made);
  own.compare.draw(now, own.before);
  own.making.draw(now);
  own.words.draw(now);
  own.aids.draw();
  own.legends.forEach((one) => one.draw(now.palette));
  own.parts.draw(now, own.before);
  drawEdits(own, now);
  drawInspect(own, now);
}

function drawPins(own, now) {
  const weights = now.step.pass.weights.subarray((now.head * now.names.length + now.i) * now.names.length);
  chips(own.queries, now.names, now.i, (query) => turn(own, { query }));
  chips(own.keys, now.names, now.j, (key) => turn(own, { key }), (at) => ui.mix(now.palette.weights, weights[at]), now.palette);
  const { n_heads: heads } = now.step.settings;
  const known = `${heads} ${now.layers}`;
  if (own.heads.dataset.known !== known) {
    own.heads.dataset.known = known;
    const count = (total, from) => Array.from({ length: total }, (_, i) => [i, String(i + from)]);
    own.layerChoice = choices({ label: "layer", options: count(now.layers, 1), value: 0, change: (layer) => turn(own, { layer }) });
    own.headChoice = choices({ label: "head", options: count(heads, 0), value: 0, change: (head) => turn(own, { head }) });
    explained(own.headChoice.querySelector(".name"), "head", { isControl: false });
    own.heads.replaceChildren(line(now.layers > 1 ? own.layerChoice : null, own.headChoice));
  }
  own.layerChoice.set(own.state.layer);
  own.headChoice.set(now.head);
}

/** The tokens as buttons, of which one is pinned; they stay while the names do. */
function chips(root, names, pinned, pin, colour = null, palette = null) {
  const known = names.join("\u0000");
  if (root.dataset.known !== known) {
    root.dataset.known = known;
    root.replaceChildren(...names.map((name, at) => {
      const chip = button(name, () => root.pin(at));
      return chip;
    }));
  }
  root.pin = pin;
  [...root.children].forEach((chip, at) => {
    chip.setAttribute("aria-pressed", String(at === pinned));
    if (!colour) return;
    const rgb = colour(at);
    Object.assign(chip.style, { background: ui.css(rgb), color: ui.css(ui.channels(ui.inkOn(rgb, palette))) });
  });
}

function drawEdits(own, now) {
  own.editsBox.hidden = !own.state.edits.length;
  own.editsTitle.textContent = `Set by hand: ${own.state.edits.length}`;
  own.edits.replaceChildren(...own.state.edits.map((edit) => {
    const name = `${nameOf(edit, now)} = ${ui.number(edit.value, 4)}`;
    const lift = button("Lift", () => replace(own, lifted(own.state, edit), `${nameOf(edit, now)} lifted`));
    lift.setAttribute("aria-label", `Lift ${name}`);
    const note = edit.matrix === "scores" ? ui.make("small", {}, "Q and K no longer produce it") : null;
    return ui.make("li", {}, ui.make("span", {}, name, note), lift);
  }));
}

/** The way to the same layer in the inspector, where it can show it. */
function drawInspect(own, now) {
  const { state } = own;
  const why = state.preset ? "heads made by hand" : state.edits.length ? "numbers set by hand" : "";
  if (why) {
    own.inspect.replaceChildren(`The inspector shows the layer’s own random weights, not ${why}.`);
    return;
  }
  const query = new URLSearchParams({ model: "local", text: state.text, head: String(now.head), query: String(now.i), key: String(now.j) });
  const settings = settingsLine(state.settings);
  if (settings) query.set("local", settings);
  own.inspect.replaceChildren(ui.make("a", { href: `${HEADLIGHT.base}/?${query}` }, `Open ${said(now.names[now.i])} in the inspector`));
}

export default function ({ data, store, parentElement, setStateValue }) {
  const palette = ui.applyTheme(parentElement);
  const given = ui.parse(data);
  const own = ui.once(states, parentElement, () => build(parentElement, given, storeOf(store)));
  offer(own);
  own.send = (ask) => setStateValue("ask", ask);
  const { code, answer, training: settings } = given;
  if (own.code !== JSON.stringify(code)) {
    own.code = JSON.stringify(code);
    own.parts.code(code);
  }
  if (own.palette !== palette) {
    draw(Object.assign(own, { palette }));
    own.training.draw();
  }
  own.training.begin(settings);
  own.check.answered(answer);
  return () => {
    own.check.stop();
    own.training.stop();
    own.store.say("steps", null);
  };
}
