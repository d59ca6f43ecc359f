/** The columns of tokens: list boxes of which only the options in sight exist. */
const version = new URL(import.meta.url).search;
const [{ ui }, { pinsOf }, { ROW, widest }, { mainOf }, { isQuery }] = await Promise.all(
  ["../headlight", "../look", "./geometry", "./heads", "./subject"].map((name) => import(`${name}.js${version}`)));
const SPARE = 2;
// Letters from which on a name may be cut, so that the pointer tells the whole of it.
const LONG_NAME = 10;

export function column(state, side) {
  const sizer = ui.make("div", { class: "sizer", role: "presentation" });
  const element = ui.make("div", { class: `column ${side}`, role: "listbox", tabIndex: 0, "aria-multiselectable": "true" }, sizer);
  const own = { side, element, sizer, nodes: new Map(), active: 0, tokens: [], names: [], scroll: 0, wants: 0 };
  element.addEventListener("pointerover", (event) => point(state, own, placeOf(event)));
  element.addEventListener("pointerleave", () => leave(state));
  element.addEventListener("click", (event) => press(state, own, placeOf(event), event));
  element.addEventListener("keydown", (event) => move(state, own, event));
  element.addEventListener("focus", () => {
    if (!element.matches(":focus-visible")) return;
    reveal(state, own, own.active);
    point(state, own, own.active);
  });
  element.addEventListener("blur", () => leave(state));
  element.addEventListener("scroll", () => {
    populate(state, own);
    state.stale = true;
    state.later();
  });
  return own;
}

const placeOf = (event) => {
  const node = event.target.closest(".token");
  return node ? Number(node.dataset.place) : null;
};

/** Take over another run’s tokens. */
export function takeTokens(state) {
  for (const own of Object.values(state.columns)) {
    own.tokens = own.side === "query" ? state.run.tokens.queries : state.run.tokens.keys;
    own.names = ui.namesOf(own.tokens);
    own.active = 0;
    own.nodes.clear();
    own.sizer.replaceChildren();
    own.sizer.style.height = `${own.tokens.length * ROW}px`;
    own.wants = widest(own.names);
  }
}

// What a person does

function point(state, own, place) {
  if (place === null || (state.at?.from === "links" && state.at[own.side] === place)) return;
  state.store.say("hover", { query: null, key: null, [own.side]: place, from: "links" });
}

export function leave(state) {
  if (state.at) state.store.say("hover", null);
}

function press(state, own, place, event) {
  if (place === null || !state.run) return;
  own.active = place;
  if (isQuery(state, own)) {
    state.held = null;
    state.store.pin(place, { several: state.store.isSeveral(event) });
  } else {
    hold(state, state.held === place ? null : place);
  }
  activate(own);
}

/** Keep the links that arrive at a key while nothing is hovered. */
function hold(state, place) {
  state.held = place;
  state.lines = null;
  state.later();
}

/** Arrow keys walk, Enter pins, Escape leaves; the page's own arrow keys stay out of it. */
function move(state, own, event) {
  if (event.altKey) return;
  const page = Math.max(1, Math.floor(state.size.height / ROW) - 1);
  const by = {
    ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity,
  }[event.key];
  if (!by && !["Enter", " ", "Escape"].includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.key === "Escape") {
    hold(state, null);
    own.element.blur();
  } else if (!by) press(state, own, own.active, event);
  else if (!event.ctrlKey && !event.metaKey) {
    own.active = Math.min(own.tokens.length - 1, Math.max(0, own.active + by));
    reveal(state, own, own.active);
    point(state, own, own.active);
    activate(own);
  }
}

/** Tell which option the keyboard is on. */
function activate(own) {
  for (const [place, node] of own.nodes) node.classList.toggle("active", place === own.active);
  own.element.setAttribute("aria-activedescendant", own.nodes.get(own.active)?.id ?? "");
}

// What is in sight

/** Bring the token that was pinned to the middle, and the keyboard to it. */
export function goTo(state, place) {
  for (const own of Object.values(state.columns)) {
    if (!isQuery(state, own)) continue;
    own.active = place;
    reveal(state, own, place, true);
    activate(own);
  }
}

/** Bring into sight what another view points at. */
export function follow(state, at) {
  for (const own of Object.values(state.columns)) {
    const place = ui.inside(at[own.side], own.tokens.length);
    if (!own.element.hidden && place !== null) reveal(state, own, place);
  }
}

/** Over the lines the wheel moves both columns; over a column the browser moves that one. */
export function wheel(state, event) {
  if (event.ctrlKey || event.target.closest(".column")) return;
  const elements = Object.values(state.columns).map(({ element }) => element);
  const before = elements.map(({ scrollTop }) => scrollTop);
  for (const element of elements) element.scrollTop += event.deltaY * (event.deltaMode ? ROW : 1);
  if (elements.some(({ scrollTop }, i) => scrollTop !== before[i])) event.preventDefault();
}

/** Bring a token into sight within its own column; `centred` where it should stand in the middle. */
export function reveal(state, own, place, centred = false) {
  const [top, height] = [place * ROW, state.size.height];
  if (top >= own.scroll && top + ROW <= own.scroll + height) return;
  if (centred) own.element.scrollTop = top - height / 2 + ROW / 2;
  else own.element.scrollTop = top < own.scroll ? top : top + ROW - height;
  populate(state, own);
}

/** Make the tokens that came into sight, and drop those that left it. */
export function populate(state, own) {
  // Kept, for asking the element while something else has changed makes the browser lay out the page at once.
  own.scroll = own.element.scrollTop;
  const first = Math.max(0, Math.floor(own.scroll / ROW) - SPARE);
  const end = Math.min(own.tokens.length, Math.ceil((own.scroll + state.size.height) / ROW) + SPARE);
  for (const [place, node] of own.nodes) {
    if (place >= first && place < end) continue;
    node.remove();
    own.nodes.delete(place);
  }
  for (let place = first; place < end; place++) {
    if (own.nodes.has(place)) continue;
    const node = token(own, place);
    own.nodes.set(place, node);
    own.sizer.append(node);
    if (state.subject) paintToken(state, own, place, node);
  }
  activate(own);
}

function token(own, place) {
  const given = own.tokens[place];
  const node = ui.make("div", {
    class: "token", role: "option", id: `${own.side}-${place}`, "data-place": place,
    "aria-setsize": own.tokens.length, "aria-posinset": place + 1,
  });
  node.style.top = `${place * ROW}px`;
  if (given.text.length > LONG_NAME) node.title = given.text;
  if (given.special) node.classList.add("special");
  if (place > 0 && given.segment !== own.tokens[place - 1].segment) node.classList.add("second");
  const name = ui.make("span", { class: "name" });
  if (given.mark) name.append(ui.make("span", { class: "mark" }, given.mark));
  name.append(ui.make("span", { dir: "auto" }, given.text));
  node.append(name, ...ui.named(own.names, place).slice(1));
  return node;
}

/** The tokens' shades and rings: by the head in view, for what is on show. */
export function shade(state) {
  const main = mainOf(state);
  state.shades = state.values.find(({ own }) => own === main)?.values ?? null;
  for (const own of Object.values(state.columns)) for (const [place, node] of own.nodes) paintToken(state, own, place, node);
  if (!state.subject || state.subject.hovered) return;
  const { element } = state.arcs ? state.columns.query : state.columns.key;
  element.setAttribute("aria-description", largest(state));
}

/** The pinned rows and the token they take most of, in words. */
function largest({ shades, subject: { places }, columns: { query, key } }) {
  if (!shades?.some((weight) => weight > 0)) return "";
  const best = shades.reduce((top, weight, place) => (weight > shades[top] || !(shades[top] >= 0) ? place : top), 0);
  return `${places.map((place) => `“${query.names[place]}”`).join(", ")}: most to “${key.names[best]}”, ${ui.decimals(shades[best], 4)}.`;
}

function paintToken(state, own, place, node) {
  const { subject, arcs, shades } = state;
  const asks = own.side === "query";
  const weight = arcs || own.side !== subject.side ? shades?.[place] : undefined;
  const pinned = (asks || arcs) && pinsOf(state.look).includes(place);
  const row = asks && subject.hovered && subject.side === "query" && subject.places[0] === place;
  node.classList.toggle("pinned", pinned);
  node.classList.toggle("row", row && !pinned);
  node.classList.toggle("marked", (!asks || arcs) && subject.key === place);
  node.classList.toggle("closed", Number.isNaN(weight));
  const colour = Number.isFinite(weight) ? ui.mix(state.palette.weights, weight) : null;
  node.style.backgroundColor = colour ? ui.css(colour) : "";
  node.style.color = colour ? ui.inkOn(colour, state.palette) : "";
  node.setAttribute("aria-selected", String(asks ? pinned : state.held === place));
  const words = colour ? `, weight ${ui.decimals(weight, 4)}` : Number.isNaN(weight) ? ", masked" : "";
  node.setAttribute("aria-label", `${own.names[place]}${words}`);
}
