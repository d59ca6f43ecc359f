/**
 * What a person changes on the page: which tokens are pinned, the temperature, what is left out. It owns the line to the
 * server of its store: it brings the server's look, and takes back what was changed in the browser.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { explained, term, watchTerms }, { layerOf, pinsOf }, { changeMenu }, { fromLook }] = await Promise.all(
  ["headlight", "store", "terms", "look", "controls/menu", "controls/changes"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
// The slider moves in powers of two, from 1/16 to 16.
const REACH = 4;
const HIDE = [["special", "special tokens"], ["first", "first token"], ["sink", "sink"]];
const STAY = "These numbers are no longer the model’s own. All heads, averages, rollout, words, predictions and the contribution after W_O stay as the model ran them.";
const RUNNING = "running the model with this…";
const AT_ONCE = "This head is shown with the change already; the later heads, the checks and the prediction come with the model’s run.";
const WAYS = [["left", "rest stays", "rest.left"], ["shared", "rest shares the row", "rest.shared"]];

function build(parent, store) {
  const state = { store, pins: ui.make("span", { class: "pins" }), hides: new Map() };
  const several = button("several", "several", () => store.say("several", !store.last("several")));
  state.several = several;
  state.ways = group("Rows together", [["mean", "mean", "mean"], ["sum", "sum", "sum"]], (value) => store.change({ together: value }));
  state.slider = ui.make("input", { type: "range", min: -REACH, max: REACH, step: 0.25, "aria-label": "Temperature" });
  state.degree = ui.make("output");
  state.slider.addEventListener("input", () => store.change({ temperature: Number((2 ** Number(state.slider.value)).toPrecision(4)) }));
  for (const [value, label] of HIDE) state.hides.set(value, button(label, value === "sink" ? value : `hide.${value}`, () => hide(store, value)));
  state.rest = group("What is left", WAYS, (value) => store.change({ rest: value }));
  state.reset = button("reset", "reset", () => store.change({ temperature: 1, hide: [], rest: "left" }));
  state.reset.classList.add("reset");
  // What a page of one view alone offers: the bar knows the way (`assets/components/bar`).
  state.compare = ui.make("button", { type: "button", class: "compare", hidden: true, title: "This view twice, side by side: change a text, a model or a head on one side" }, "compare with…");
  state.compare.addEventListener("click", () => {
    store.tell();
    store.emit("compare", true);
  });
  const part = (key, title, ...children) => ui.make("span", { class: "part" }, ui.make("span", { class: "name" }, term(key, title)), ...children);
  const heat = part("temperature", "temperature", state.slider, state.degree);
  state.left = part("hide", "leave out", ...state.hides.values(), state.rest.root);
  state.left.classList.add("left");
  state.own = explained(ui.make("span", { class: "own", "aria-live": "polite", tabIndex: 0 }), "check");
  const pinned = part("pinned", "pinned", state.pins, state.ways.root, several);
  pinned.classList.add("pinned");
  state.run = button("run the model with this", "edits.run", () => runWith(state));
  state.run.classList.add("run");
  const scope = explained(ui.make("span", { class: "scope" }, "only this picture:"), "edits.picture", { isControl: false });
  state.changes = ui.make("div", { class: "line looks" }, scope, heat, state.left, state.reset, state.compare);
  state.menu = changeMenu((changes) => store.change(changes, { now: true }));
  explained(state.menu.button, "edits");
  parent.append(ui.make("div", { class: "controls" }, ui.make("div", { class: "line" }, pinned, state.run, state.menu.button, state.own), state.changes, state.menu.panel));
  state.heat = heat;
  watchTerms(parent);
  return state;
}

/** A button that is explained by the term of that key. */
function button(label, key, press) {
  const made = explained(ui.make("button", { type: "button" }, label), key);
  made.addEventListener("click", press);
  return made;
}

/** A few choices of which one is on. */
function group(label, options, choose) {
  const buttons = options.map(([value, text, key]) => [value, button(text, key, () => choose(value))]);
  const root = ui.make("span", { class: "ways", role: "group", "aria-label": label }, ...buttons.map(([, element]) => element));
  return { root, press: (chosen) => buttons.forEach(([value, element]) => element.setAttribute("aria-pressed", String(value === chosen))) };
}

function hide(store, value) {
  const { hide: before } = store.look();
  const after = before.includes(value) ? before.filter((one) => one !== value) : [...before, value];
  store.change({ hide: HIDE.map(([name]) => name).filter((name) => after.includes(name)) });
}

/** What only the picture shows becomes a change of the run, and the picture is the run's own again. */
function runWith({ store }) {
  const shown = store.shown();
  const { temperature, hide: left } = shown.look;
  const cut = store.hidden(shown.head.layer).filter((key) => key < shown.head.keys);
  store.change({ edits: fromLook(shown, { ...shown.look, temperature }, cut), temperature: 1, hide: left.filter((one) => one === "sink") }, { now: true });
}

function show(state, shown) {
  const { run, look, head } = shown;
  state.menu.show(shown);
  const layer = run.tiles ? null : layerOf(run, head.layer);
  chips(state, run, look);
  // What has nothing to say keeps its room, so that what comes below stands still.
  state.changes.hidden = Boolean(run.tiles);
  blank(state.ways.root, !look.also.length);
  state.ways.press(look.together);
  state.slider.value = String(Math.log2(look.temperature));
  state.degree.textContent = ui.number(look.temperature, 3).replace(/\.?0+$/, "");
  state.slider.setAttribute("aria-valuetext", `temperature ${state.degree.textContent}`);
  blank(state.heat, Boolean(layer?.needs) || !layer);
  const there = { special: layer?.special.keys.includes(1), first: true, sink: Boolean(layer?.sink) };
  for (const [value, element] of state.hides) {
    element.hidden = !there[value] && !look.hide.includes(value);
    element.setAttribute("aria-pressed", String(look.hide.includes(value)));
  }
  blank(state.rest.root, !look.hide.length);
  state.rest.press(look.rest);
  checked(state, shown);
  const isPlain = look.temperature === 1 && !look.hide.length;
  blank(state.reset, isPlain);
  const onlySink = look.temperature === 1 && look.hide.every((one) => one === "sink");
  blank(state.run, onlySink || Boolean(state.unedited));
}

const blank = (element, isBlank) => element.classList.toggle("blank", isBlank);

/** Whether what was made in this browser equals what the model put out. */
function checked(state, { head, running }) {
  const { ok, relative, words } = running ? { ok: null, words: AT_ONCE } : head.altered ? { ok: null, words: STAY } : head.check();
  const short = running ? RUNNING : head.altered ? "changed: not the model’s own" : ok ? `✓ made here, equal to the model’s own${relative === 0 ? "" : ` within ${ui.number(relative, 2)}`}` : `${ok === false ? "⚠" : "–"} ${words}`;
  state.own.className = ok === false ? "own bad" : head.altered || running ? "own altered" : ok ? "own" : "own unknown";
  state.own.textContent = short;
  state.own.dataset.more = words;
  if (ok === false) state.own.setAttribute("role", "alert");
  else state.own.removeAttribute("role");
}

/** The pinned tokens; where there are several, each can be taken out. */
function chips(state, run, look) {
  const pins = pinsOf(look);
  const key = JSON.stringify([run.id, pins]);
  if (state.chipped === key) return;
  state.chipped = key;
  const names = ui.namesOf(run.tokens.queries);
  state.pins.replaceChildren(...pins.map((pin) => {
    const name = ui.make("bdi", {}, ...ui.named(names, pin));
    if (pins.length === 1) return ui.make("span", { class: "chip" }, name);
    const chip = ui.make("button", { type: "button", class: "chip", title: "Take this token out" }, name, " ×");
    chip.addEventListener("click", () => state.store.pin(pin, { several: true }));
    return chip;
  }));
}

/** Listen until the component is taken down; it may come back. */
function connect(state) {
  return [state.store.listen("shown", (shown) => show(state, shown)), state.store.listen("several", (on) => state.several.setAttribute("aria-pressed", String(Boolean(on))))];
}

export default function ({ data, store: name, parentElement, setTriggerValue }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(name)));
  state.stops ??= connect(state);
  const { store } = state;
  store.connect((message) => setTriggerValue("look", message));
  if (state.bytes !== data) {
    state.bytes = data;
    const given = ui.parse(data);
    state.unedited = given.unedited;
    state.menu.refuse(given.unedited);
    store.arriveLook(given);
    state.compare.hidden = !given.address;
    store.say("count", given.count);
    store.say("undo", given.undo);
    store.say("redo", given.redo);
  }
  document.addEventListener("scroll", state.menu.follow, true);
  addEventListener("resize", state.menu.follow);
  return () => {
    document.removeEventListener("scroll", state.menu.follow, true);
    removeEventListener("resize", state.menu.follow);
    store.connect(null);
    store.say("count", null);
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
