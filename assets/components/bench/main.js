/**
 * What a person changes on the page: which tokens are pinned, the temperature, what is left out. It owns the line to the
 * server: it brings the server's look to the desk, and takes what was changed there back.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { desk }] = await Promise.all(["headlight", "desk"].map(shared));
const ui = start(HEADLIGHT);
const table = desk(ui);
const states = new WeakMap();
// The slider moves in powers of two, from 1/16 to 16.
const REACH = 4;
const HIDE = [["special", "special tokens"], ["first", "first token"], ["sink", "sink"]];
const STAY = "These numbers are no longer the model’s own. All heads, averages, rollout, words, predictions and the contribution after W_O stay as the model ran them.";
const WAYS = [["left", "rest stays"], ["shared", "rest shares the row"]];

function build(parent) {
  const state = { pins: ui.make("span", { class: "pins" }), hides: new Map() };
  const several = button("several", "Pin several tokens: a click adds one or takes it out (or hold Ctrl, ⌘ or Shift)", () => {
    ui.say("several", !ui.last("several"));
  });
  state.several = several;
  state.ways = group("Rows together", [["mean", "mean"], ["sum", "sum"]], (value) => table.change({ together: value }));
  state.slider = ui.make("input", { type: "range", min: -REACH, max: REACH, step: 0.25, "aria-label": "Temperature" });
  state.degree = ui.make("output");
  state.slider.addEventListener("input", () => table.change({ temperature: Number((2 ** Number(state.slider.value)).toPrecision(4)) }));
  for (const [value, label] of HIDE) state.hides.set(value, button(label, `Leave out: ${label}`, () => hide(value)));
  state.rest = group("What is left", WAYS, (value) => table.change({ rest: value }));
  state.reset = button("reset", "Back to the model’s own numbers", () => table.change({ temperature: 1, hide: [], rest: "left" }));
  state.reset.classList.add("reset");
  const part = (title, ...children) => ui.make("span", { class: "part" }, ui.make("span", { class: "name" }, title), ...children);
  const heat = ui.make("label", { class: "part" }, ui.make("span", { class: "name" }, "temperature"), state.slider, state.degree);
  state.left = part("leave out", ...state.hides.values(), state.rest.root);
  state.left.classList.add("left");
  state.own = ui.make("span", { class: "own", "aria-live": "polite" });
  const pinned = part("pinned", state.pins, state.ways.root, several);
  pinned.classList.add("pinned");
  state.changes = ui.make("div", { class: "line" }, heat, state.left, state.reset);
  parent.append(ui.make("div", { class: "bench" }, ui.make("div", { class: "line" }, pinned, state.own), state.changes));
  state.heat = heat;
  return state;
}

function button(label, title, press) {
  const made = ui.make("button", { type: "button", title }, label);
  made.addEventListener("click", press);
  return made;
}

/** A few choices of which one is on. */
function group(label, options, choose) {
  const buttons = options.map(([value, text]) => [value, button(text, "", () => choose(value))]);
  const root = ui.make("span", { class: "ways", role: "group", "aria-label": label }, ...buttons.map(([, element]) => element));
  return { root, press: (chosen) => buttons.forEach(([value, element]) => element.setAttribute("aria-pressed", String(value === chosen))) };
}

function hide(value) {
  const { hide: before } = table.look();
  const after = before.includes(value) ? before.filter((one) => one !== value) : [...before, value];
  table.change({ hide: HIDE.map(([name]) => name).filter((name) => after.includes(name)) });
}

function show(state, { run, look, head }) {
  const layer = run.tiles ? null : table.layerOf(head.layer);
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
  checked(state, head);
  blank(state.reset, look.temperature === 1 && !look.hide.length);
}

const blank = (element, isBlank) => element.classList.toggle("blank", isBlank);

/** Whether what was made in this browser equals what the model put out. */
function checked(state, head) {
  const { ok, relative, words } = head.altered ? { ok: null, words: STAY } : head.check();
  const short = head.altered ? "changed: not the model’s own" : ok ? `✓ made here, equal to the model’s own within ${ui.number(relative, 2)}` : `${ok === false ? "⚠" : "–"} ${words}`;
  state.own.className = ok === false ? "own bad" : head.altered ? "own altered" : ok ? "own" : "own unknown";
  state.own.textContent = short;
  state.own.title = words;
  if (ok === false) state.own.setAttribute("role", "alert");
  else state.own.removeAttribute("role");
}

/** The pinned tokens; where there are several, each can be taken out. */
function chips(state, run, look) {
  const pins = table.pins(look);
  const key = JSON.stringify([run.id, pins]);
  if (state.chipped === key) return;
  state.chipped = key;
  const names = ui.namesOf(run.tokens.queries);
  state.pins.replaceChildren(...pins.map((pin) => {
    const name = ui.make("bdi", {}, ...ui.named(names, pin));
    if (pins.length === 1) return ui.make("span", { class: "chip" }, name);
    const chip = ui.make("button", { type: "button", class: "chip", title: "Take this token out" }, name, " ×");
    chip.addEventListener("click", () => table.pin(pin, { several: true }));
    return chip;
  }));
}

/** Listen until the component is taken down; it may come back. */
function connect(state) {
  return [ui.listen("shown", (shown) => show(state, shown)), ui.listen("several", (on) => state.several.setAttribute("aria-pressed", String(Boolean(on))))];
}

export default function ({ data, parentElement, setTriggerValue }) {
  ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.stops ??= connect(state);
  table.connect((message) => setTriggerValue("look", message));
  if (state.bytes !== data) {
    state.bytes = data;
    const given = ui.parse(data);
    table.arriveLook(given);
    ui.say("count", given.count);
    ui.say("undo", given.undo);
    ui.say("redo", given.redo);
  }
  return () => {
    ui.say("count", null);
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
