/** The sentence, its tokens shaded by how much the pinned token takes of each; a click, tap or Enter pins another. */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const states = new WeakMap();
const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;
const LONGEST = 24;
const LETTER = /\p{L}/u;

function build(parent) {
  const title = ui.make("span", { class: "label" });
  const readout = ui.make("span", { class: "readout", "aria-live": "polite" });
  const ids = ui.make("button", { type: "button", class: "switch" }, "ids");
  const asking = ui.make("div", { class: "tokens asking", role: "group", "aria-label": "Tokens that ask" });
  const looked = ui.make("div", { class: "tokens", role: "group", "aria-label": "Tokens that are looked at" });
  const top = ui.make("div", { class: "top" }, title, readout, ids);
  parent.append(ui.make("div", { class: "sentence" }, top, asking, looked));
  const state = { title, readout, ids, asking, looked, hovered: null, send: () => {} };
  ids.addEventListener("click", () => state.send("ids", !state.given.ids));
  state.stops = [ui.listen("hover", (at) => preview(state, at)), ui.listen("weights", () => shade(state))];
  return state;
}

/** One token as a button: its mark lightly, its text, and its id on request. */
function token(state, given, index, side) {
  const button = ui.make("button", { type: "button", class: "token", tabIndex: -1 });
  if (given.special) button.classList.add("special");
  const line = side === "query" ? state.given.queries : state.given.keys;
  if (index > 0 && given.segment !== line[index - 1].segment) button.classList.add("second");
  if (given.mark) button.append(ui.make("span", { class: "mark" }, given.mark));
  button.append(ui.make("span", { dir: "auto" }, given.text));
  if (state.given.ids) button.append(ui.make("span", { class: "id" }, given.id === null ? "no id" : String(given.id)));
  button.addEventListener("click", () => press(state, index, side));
  button.addEventListener("pointerenter", () => point(state, index, side));
  button.addEventListener("focus", () => point(state, index, side));
  button.addEventListener("pointerleave", () => leave(state));
  button.addEventListener("blur", () => leave(state));
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

const isQuery = (state, side) => side === "query" || !state.given.queries;

function press(state, index, side) {
  if (!isQuery(state, side) || index === state.pin) return;
  state.pin = index;
  ui.say("pinned", index);
  shade(state);
  state.send("pin", index);
}

function point(state, index, side) {
  state.hovered = { index, side };
  ui.say("hover", side === "query" ? { query: index, key: null, from: "sentence" }
    : { query: state.pin, key: index, from: "sentence" });
}

function leave(state) {
  state.hovered = null;
  ui.say("hover", null);
}

/** A row under the pointer in the panels is shown here instead of the pinned one, as long as it is there. */
function preview(state, at) {
  if (!state.given) return;
  state.shown = at && at.query !== null && at.query !== undefined ? at.query : state.pin;
  state.key = at?.key ?? null;
  shade(state);
}

/** The weights of the row on show: the pinned one came with the payload, others from the panels' own arrays. */
function weightsOf(state, query) {
  if (query === state.given.pin) return state.given.weights;
  return ui.last("weights")?.(query) ?? null;
}

function shade(state) {
  if (!state.given) return;
  const query = state.shown ?? state.pin;
  const weights = weightsOf(state, query);
  [...state.looked.children].forEach((button, key) => paint(state, button, weights?.[key], key));
  const asking = state.given.queries ? state.asking : state.looked;
  [...asking.children].forEach((button, index) => {
    button.classList.toggle("pinned", index === state.pin);
    button.classList.toggle("row", index === query && query !== state.pin);
    button.setAttribute("aria-pressed", String(index === state.pin));
    button.tabIndex = index === state.pin ? 0 : -1;
  });
  if (state.given.queries && state.looked.firstChild) state.looked.firstChild.tabIndex = 0;
  const name = (state.given.queries ?? state.given.keys)[query];
  state.title.textContent = name ? `“${brief(name)}” looks at` : "";
  say(state, query, weights);
}

/** Bring the pinned token into sight within its own lines; the page itself does not move. */
function reveal(state) {
  const line = state.given.queries ? state.asking : state.looked;
  const button = line.children[state.pin];
  if (!button || line.scrollHeight <= line.clientHeight) return;
  line.scrollTop = button.offsetTop - line.offsetTop - line.clientHeight / 2 + button.offsetHeight / 2;
}

function paint(state, button, weight, key) {
  const known = weight !== undefined && !Number.isNaN(weight);
  const colour = ui.mix(state.palette.weights, known ? weight : 0);
  const closed = weight !== undefined && Number.isNaN(weight);
  button.classList.toggle("closed", closed);
  button.classList.toggle("column", key === state.key);
  button.style.backgroundColor = closed ? "transparent" : ui.css(colour);
  button.style.color = closed ? "" : ui.inkOn(colour, state.palette);
  const words = closed ? "masked" : known ? `weight ${ui.decimals(weight, 4)}` : "";
  button.setAttribute("aria-label", `${plain(state.given.keys[key])}, ${words}`);
}

/** The exact number of the token under the pointer, in words. */
function say(state, query, weights) {
  const key = state.key;
  const weight = key === null ? undefined : weights?.[key];
  if (weight === undefined) {
    state.readout.textContent = state.given.sink === null ? "" : `the sink takes ${ui.decimals(state.given.sink, 4)}`;
    return;
  }
  const name = brief(state.given.keys[key]);
  state.readout.textContent = Number.isNaN(weight) ? `“${name}” is masked` : `“${name}” gets ${ui.decimals(weight, 4)}`;
}

const plain = (token) => `${token.mark}${token.text}`;

/** The same for a line of its own, where a very long token is cut. */
function brief(token) {
  const letters = [...plain(token)];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join("")}…` : letters.join("");
}

/** The reading direction of the first letter that a person typed. */
function direction(tokens) {
  const first = tokens.find((one) => !one.special && LETTER.test(one.text));
  return first && RTL.test(first.text) ? "rtl" : "ltr";
}

function fill(state) {
  const { keys, queries, ids } = state.given;
  state.looked.replaceChildren(...keys.map((given, i) => token(state, given, i, "key")));
  state.looked.dir = direction(keys);
  state.asking.hidden = !queries;
  state.asking.replaceChildren(...(queries ?? []).map((given, i) => token(state, given, i, "query")));
  state.asking.dir = direction(queries ?? []);
  state.ids.hidden = ![...keys, ...(queries ?? [])].some((one) => one.id !== null);
  state.ids.setAttribute("aria-pressed", String(ids));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const palette = ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.send = setTriggerValue;
  state.palette = palette;
  const given = ui.parse(data);
  const same = state.given && JSON.stringify([given.keys, given.queries, given.ids]) === state.filled;
  state.given = given;
  state.pin = given.pin;
  state.shown = given.pin;
  if (!same) fill(state);
  state.filled = JSON.stringify([given.keys, given.queries, given.ids]);
  shade(state);
  requestAnimationFrame(() => reveal(state));
  return () => state.stops.forEach((stop) => stop());
}
