/** The sentence, its tokens shaded by how much the pinned tokens take of each; a click, tap or Enter pins another. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { isPresenting, present, whenPresented }, { pinsOf }, { whyMasked }, { explained, term, watchTerms }, { draw, rowsBox }] = await Promise.all(
  ["headlight", "store", "present", "look", "masks", "terms", "sentence/rows"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;
const LONGEST = 24;
const LETTER = /\p{L}/u;
// What may stand before a token's text: the term that explains it, and how the page shows it.
const MARKS = { "·": ["mark.space", "· space"], "##": ["mark.inside", "## goes on"] };

function build(parent, store) {
  const title = explained(ui.make("span", { class: "label" }), "looks", { isControl: false });
  const readout = ui.make("span", { class: "readout", "aria-live": "polite" });
  const ids = explained(ui.make("button", { type: "button", class: "switch" }, "ids"), "ids");
  const layer = explained(ui.make("button", { type: "button", class: "switch" }, "heads of this layer"), "layer");
  layer.setAttribute("aria-controls", "rows");
  const signs = Object.entries(MARKS).map(([mark, [key, words]]) => [mark, term(key, words)]);
  const asking = ui.make("div", { class: "tokens asking", role: "group", "aria-label": "Tokens that ask" });
  const looked = ui.make("div", { class: "tokens", role: "group", "aria-label": "Tokens that are looked at" });
  const leave = ui.make("button", { type: "button", class: "switch", hidden: true, "aria-keyshortcuts": "P" }, "back to the whole page (P)");
  leave.addEventListener("click", () => present(false));
  const which = ui.make("span", { class: "which", hidden: true });
  const switches = ui.make("span", { class: "switches" }, ...signs.map(([, element]) => element), layer, ids, leave);
  const rows = rowsBox();
  parent.append(ui.make("div", { class: "sentence" }, ui.make("div", { class: "top" }, which, title, readout, switches), asking, looked, rows.root));
  watchTerms(parent);
  const state = { store, which, title, readout, ids, layer, leave, signs: new Map(signs), asking, looked, rows, at: null };
  layer.addEventListener("click", () => store.say("rows", !store.last("rows")));
  ids.addEventListener("click", () => store.change({ ids: !store.look().ids }));
  return state;
}

/** One token as a button: its mark lightly, its text, and its id on request. */
function token(state, given, index, side) {
  const button = ui.make("button", { type: "button", class: "token", tabIndex: -1 });
  if (given.special) button.classList.add("special");
  const line = state.shown.run.tokens[side === "query" ? "queries" : "keys"];
  if (index > 0 && given.segment !== line[index - 1].segment) button.classList.add("second");
  if (given.mark) button.append(ui.make("span", { class: "mark" }, given.mark));
  button.append(ui.make("span", { dir: "auto" }, given.text));
  if (state.shown.look.ids) button.append(ui.make("span", { class: "id" }, given.id === null ? "no id" : String(given.id)));
  button.addEventListener("click", (event) => press(state, index, side, event));
  button.addEventListener("pointerenter", () => point(state, index, side));
  button.addEventListener("focus", () => point(state, index, side));
  button.addEventListener("pointerleave", () => state.store.say("hover", null));
  button.addEventListener("blur", () => state.store.say("hover", null));
  button.addEventListener("keydown", (event) => move(event, button));
  return button;
}

/** Arrow keys walk from token to token; the page's own arrow keys stay out of it. */
function move(event, button) {
  const line = button.parentElement;
  const sign = getComputedStyle(line).direction === "rtl" ? -1 : 1;
  const buttons = [...line.children];
  const by = { ArrowRight: sign, ArrowLeft: -sign, Home: -buttons.length, End: buttons.length }[event.key];
  if (!by || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  buttons[Math.min(buttons.length - 1, Math.max(0, buttons.indexOf(button) + by))].focus();
}

function press(state, index, side, event) {
  if (side === "query" || state.shown.run.tokens.same) state.store.pin(index, { several: state.store.isSeveral(event) });
}

/** Where queries are another text, a key alone is pointed at; else the pinned token is asked about it. */
function point({ store }, index, side) {
  store.say("hover", side === "query" ? { query: index, key: null, from: "sentence" } : { query: null, key: index, from: "sentence" });
}

/** A row under the pointer anywhere is shown here instead of the pinned one, as long as it is there. */
function preview(state, at) {
  // What is pointed at may still be of the text before.
  const { head } = state.shown ?? {};
  state.at = head && at && (at.query ?? 0) < head.queries && (at.key ?? 0) < head.keys ? at : null;
  if (state.shown) shade(state);
}

/** {weights, sink, name} of the rows on show: the one pointed at, or those that are pinned, averaged or summed. */
function rowsOf({ at, shown }) {
  const { head, look, run } = shown;
  const one = at?.query ?? null;
  const rows = one === null ? pinsOf(look) : [one];
  const weights = rows.every((row) => head.row("weights", row)) ? head.together("weights", rows, look.together) : null;
  const sink = rows.length === 1 && head.sinkShare(rows[0]) !== null ? head.sinkShare(rows[0]) : null;
  const name = rows.length === 1 ? `“${brief(run.tokens.queries[rows[0]] ?? { mark: "", text: String(rows[0]) })}” looks at`
    : `${look.together === "mean" ? "Mean" : "Sum"} of ${rows.length} tokens’ weights`;
  return { rows, weights, sink, name };
}

/** Which keys none of the rows may look at and that take nothing. */
function closedTo(head, rows, weights) {
  const may = rows.map((row) => head.allowed(row));
  return (key) => !weights[key] && !may.some((row) => row[key]);
}

function shade(state) {
  const { rows, weights, sink, name } = rowsOf(state);
  const { head } = state.shown;
  const most = rows.length > 1 && state.shown.look.together === "sum" ? rows.length : 1;
  const closed = weights ? closedTo(head, rows, weights) : () => false;
  state.asks = rows[0];
  [...state.looked.children].forEach((button, key) => paint(state, button, weights?.[key], key, closed(key), most));
  marks(state);
  state.looked.setAttribute("aria-label", `Tokens that are looked at. ${largest(state, name, weights)}`);
  state.title.textContent = name;
  state.title.dataset.term = rows.length === 1 ? "looks" : "together";
  say(state, weights, sink, closed);
}

/** The row and the token it takes most of, in words. */
function largest({ shown: { run } }, name, weights) {
  if (!weights?.some(Boolean)) return "";
  const best = weights.reduce((top, weight, key) => (weight > weights[top] ? key : top), 0);
  return `${name}${name.endsWith("at") ? "" : ", the largest for"} “${brief(run.tokens.keys[best])}”: ${ui.decimals(weights[best], 4)}.`;
}

/** The pinned tokens, the row pointed at and the key pointed at. */
function marks(state) {
  const pins = pinsOf(state.shown.look);
  const asking = state.shown.run.tokens.same ? state.looked : state.asking;
  [...asking.children].forEach((button, index) => {
    const pinned = pins.includes(index);
    button.classList.toggle("pinned", pinned);
    button.classList.toggle("row", index === state.at?.query && !pinned);
    button.setAttribute("aria-pressed", String(pinned));
    button.tabIndex = index === pins[0] ? 0 : -1;
  });
  [...state.looked.children].forEach((button, key) => button.classList.toggle("column", key === (state.at?.key ?? null)));
  if (asking !== state.looked && state.looked.firstChild) state.looked.firstChild.tabIndex = 0;
}

/** Bring the pinned token into sight within its own lines; the page itself does not move. */
function reveal(state) {
  const line = state.shown.run.tokens.same ? state.looked : state.asking;
  const button = line.children[state.shown.look.query];
  if (!button || line.scrollHeight <= line.clientHeight) return;
  line.scrollTop = button.offsetTop - line.offsetTop - line.clientHeight / 2 + button.offsetHeight / 2;
}

/** Whether the changes of the run can have reached a token, in words, where they reach only some: the causal cone. */
function reachOf({ shown: { run } }, index) {
  if (!run.reached || !run.tokens.same) return "";
  return index < run.reached ? "before the changes: as it was" : "may have changed";
}

function paint(state, button, weight, key, closed, most) {
  const known = weight !== undefined && !closed;
  const colour = ui.mix(state.palette.weights, known ? weight / most : 0);
  const hidden = state.shown.head.isHidden?.(key);
  const why = closed && !hidden ? `masked: ${whyMasked(state.shown.head, state.asks, key)}` : "";
  const style = `${why}/${hidden}/${weight}/${reachOf(state, key)}`;
  const seen = hidden ? "left out" : closed ? why : known ? `weight ${ui.decimals(weight, 4)}` : "";
  const words = [seen, reachOf(state, key)].filter(Boolean).join(", ");
  if (button.painted === style) return;
  button.painted = style;
  button.setAttribute("aria-label", `${plain(state.shown.run.tokens.keys[key])}, ${words}`);
  button.classList.toggle("reached", reachOf(state, key) === "may have changed");
  button.classList.toggle("closed", closed);
  button.classList.toggle("hidden", Boolean(hidden));
  button.style.backgroundColor = closed ? "transparent" : ui.css(colour);
  button.style.color = closed ? "" : ui.inkOn(colour, state.palette);
}

/** The exact number of the token under the pointer, in words. */
function say(state, weights, sink, closed) {
  const key = state.at?.key ?? null;
  // Who points elsewhere hears it there.
  state.readout.setAttribute("aria-live", state.at && state.at.from !== "sentence" ? "off" : "polite");
  if (key === null || !weights) {
    state.readout.textContent = sink === null ? "" : `the sink takes ${ui.decimals(sink, 4)}`;
    return;
  }
  const name = brief(state.shown.run.tokens.keys[key]);
  state.readout.textContent = closed(key) ? `“${name}” is masked: ${whyMasked(state.shown.head, state.asks, key)}` : `“${name}” gets ${ui.decimals(weights[key], 4)}`;
}

const plain = ({ mark, text }) => `${mark}${text}`;

/** The same for a line of its own, where a very long token is cut. */
function brief(given) {
  const letters = [...plain(given)];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join("")}…` : letters.join("");
}

/** The reading direction of the first letter that a person typed. */
function direction(tokens) {
  const first = tokens.find((one) => !one.special && LETTER.test(one.text));
  return first && RTL.test(first.text) ? "rtl" : "ltr";
}

/** The tokens as buttons; the same tokens stay the same elements, for one of them may have the focus. */
function fill(state) {
  const { run, look } = state.shown;
  const { keys, queries, same } = run.tokens;
  const filled = `${run.id} ${look.ids}`;
  if (state.filled === filled) return;
  state.filled = filled;
  const asking = same ? [] : queries;
  state.looked.replaceChildren(...keys.map((given, i) => token(state, given, i, "key")));
  state.looked.dir = direction(keys);
  state.asking.hidden = same;
  state.asking.replaceChildren(...asking.map((given, i) => token(state, given, i, "query")));
  state.asking.dir = direction(asking);
  state.ids.hidden = ![...keys, ...asking].some((one) => one.id !== null);
  state.ids.setAttribute("aria-pressed", String(look.ids));
  const all = [...keys, ...asking];
  for (const [mark, element] of state.signs) element.hidden = !all.some((one) => one.mark.startsWith(mark));
}

/** For a projector the head is named here, for nothing else on the page says it. */
function presented(state) {
  const isOn = isPresenting();
  state.leave.hidden = state.which.hidden = !isOn;
  if (isOn && state.shown) state.which.textContent = `Layer ${state.shown.look.layer}, head ${state.shown.look.head}`;
}

/** Show or hide the other heads' rows; nothing is made of them before somebody asks. */
function unfold(state, isOpen) {
  state.isOpen = Boolean(isOpen);
  state.rows.root.hidden = !state.isOpen;
  state.layer.setAttribute("aria-expanded", String(state.isOpen));
  if (state.isOpen && state.shown && state.palette) draw(state);
}

function show(state, shown) {
  const before = state.shown?.look.query;
  state.shown = shown;
  if (!state.palette) return;
  fill(state);
  shade(state);
  if (state.isOpen) draw(state);
  presented(state);
  if (shown.look.query !== before) requestAnimationFrame(() => reveal(state));
}

/** Listen until the component is taken down; it may come back. */
function connect(state) {
  unfold(state, state.store.last("rows"));
  return [
    state.store.listen("shown", (shown) => show(state, shown)), state.store.listen("hover", (at) => preview(state, at)),
    state.store.listen("rows", (isOpen) => unfold(state, isOpen)), whenPresented(() => presented(state)),
  ];
}

export default function ({ store, parentElement }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  const first = !state.palette;
  state.palette = palette;
  for (const button of [...state.looked.children]) button.painted = null;
  if (state.stops && state.shown) show(state, state.shown);
  state.stops ??= connect(state);
  if (first && state.shown) requestAnimationFrame(() => reveal(state));
  return () => {
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
