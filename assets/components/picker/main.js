/** The model: a box to type into, and below it the list in its groups, each line with its sort and size. */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const states = new WeakMap();
const [GAP, LEAST_WIDTH, LEAST_HEIGHT] = [4, 380, 120];
const NONE = "No model of that name is offered here.";

function build(parent) {
  const list = ui.make("div", { id: "models", class: "list", role: "listbox", "aria-label": "Models", popover: "manual" });
  const box = ui.make("input", {
    type: "text", role: "combobox", autocomplete: "off", spellcheck: false, "aria-label": "Model", "aria-autocomplete": "list",
    "aria-haspopup": "listbox", "aria-controls": "models", "aria-expanded": "false",
  });
  const root = ui.make("div", { class: "picker" }, box, ui.make("span", { class: "arrow", "aria-hidden": "true" }), list);
  parent.append(root);
  const state = { root, box, list, groups: [], free: false, shown: null, words: "", lines: [], active: -1, send: () => {} };
  box.addEventListener("pointerdown", () => open(state));
  box.addEventListener("click", () => box.select());
  box.addEventListener("input", () => open(state, box.value.trim()));
  box.addEventListener("keydown", (event) => key(state, event));
  box.addEventListener("blur", () => close(state));
  // The box keeps the keyboard while the list is used.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const index = state.lines.findIndex(({ line: one }) => one.contains(event.target));
    if (index >= 0) choose(state, index);
  });
  return state;
}

const isOpen = ({ box }) => box.getAttribute("aria-expanded") === "true";

/** Show what has these words in it; without words all of it, from the chosen one on. */
function open(state, words = "") {
  state.words = words;
  fill(state, words);
  state.box.setAttribute("aria-expanded", "true");
  if (!state.list.matches(":popover-open")) state.list.showPopover();
  place(state);
  const chosen = state.lines.findIndex(({ value }) => value === state.shown);
  activate(state, words ? 0 : Math.max(0, chosen));
}

/** Close the list; the box says again what is shown, for nothing was chosen. */
function close(state) {
  state.box.setAttribute("aria-expanded", "false");
  state.box.removeAttribute("aria-activedescendant");
  if (state.list.matches(":popover-open")) state.list.hidePopover();
  state.box.value = state.shown ?? "";
}

/** Below the box, or above it where there is more room; never beyond the window. */
function place({ root, list }) {
  const box = root.getBoundingClientRect();
  const [below, above] = [innerHeight - box.bottom - 3 * GAP, box.top - 3 * GAP];
  const up = below < LEAST_HEIGHT && above > below;
  const width = Math.min(Math.max(box.width, LEAST_WIDTH), innerWidth - 6 * GAP);
  Object.assign(list.style, {
    width: `${width}px`, maxHeight: `${Math.min(up ? above : below, 0.6 * innerHeight)}px`,
    left: `${Math.max(3 * GAP, Math.min(box.left - GAP, innerWidth - width - 3 * GAP))}px`,
    top: up ? "auto" : `${box.bottom + GAP}px`, bottom: up ? `${innerHeight - box.top + GAP}px` : "auto",
  });
}

function fill(state, words) {
  const wanted = words.toLowerCase();
  state.lines = [];
  const groups = state.groups.map(([name, models]) => group(state, name, models.filter((model) => about(model).includes(wanted))));
  const typed = words && state.free && !exact(state, words) ? line(state, words, [`Open “${words}”`]) : null;
  const nothing = ui.make("div", { class: "none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, NONE);
  state.list.replaceChildren(...groups.filter(Boolean), ...(typed ? [typed] : []), ...(state.lines.length ? [] : [nothing]));
}

const about = ({ title, id, facts }) => `${title} ${id} ${facts}`.toLowerCase();

/** The title of the model that these words name outright. */
function exact({ groups }, words) {
  const wanted = words.toLowerCase();
  const all = groups.flatMap(([, models]) => models);
  return all.find(({ title, id }) => title.toLowerCase() === wanted || id.toLowerCase() === wanted)?.title;
}

function group(state, name, models) {
  if (!models.length) return null;
  const lines = models.map(({ title, facts }) => line(state, title, [title, ui.make("small", {}, facts)]));
  if (!name) return lines[0];
  return ui.make("div", { role: "group", "aria-label": name }, ui.make("div", { class: "group", "aria-hidden": "true" }, name), ...lines);
}

function line(state, value, said) {
  const made = ui.make("div", { id: `line-${state.lines.length}`, class: "line", role: "option", "aria-selected": String(value === state.shown) }, ...said);
  state.lines.push({ line: made, value });
  return made;
}

function activate(state, index) {
  state.lines.forEach(({ line: one }, at) => one.classList.toggle("active", at === index));
  state.active = state.lines.length ? index : -1;
  const active = state.lines[state.active]?.line;
  if (!active) return state.box.removeAttribute("aria-activedescendant");
  state.box.setAttribute("aria-activedescendant", active.id);
  active.scrollIntoView({ block: "nearest" });
}

function key(state, event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    if (!isOpen(state)) open(state);
    else if (state.lines.length) activate(state, (state.active + step + state.lines.length) % state.lines.length);
  } else if (event.key === "Escape" && isOpen(state)) {
    event.preventDefault();
    close(state);
  } else if (event.key === "Enter" && isOpen(state) && !event.isComposing) {
    event.preventDefault();
    choose(state, state.active);
  }
}

/** Send what was chosen; words that name a model outright mean that one, whatever else has them in it. */
function choose(state, index) {
  const outright = index === 0 && state.words ? exact(state, state.words) : null;
  const value = outright ?? state.lines[index]?.value;
  if (value === undefined) return;
  if (value !== state.shown) state.send("model", value);
  state.shown = value;
  close(state);
}

export default function ({ data, parentElement, setTriggerValue }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.send = setTriggerValue;
  const { chosen, groups, free, placeholder } = ui.parse(data);
  Object.assign(state, { groups, free, shown: chosen });
  state.box.placeholder = placeholder;
  if (!isOpen(state)) state.box.value = chosen;
  const follow = () => isOpen(state) && place(state);
  document.addEventListener("scroll", follow, true);
  addEventListener("resize", follow);
  return () => {
    document.removeEventListener("scroll", follow, true);
    removeEventListener("resize", follow);
  };
}
