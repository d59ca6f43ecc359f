/** One side's layer, head and kind of attention, each in a box of its own, with a step back and onward; and the way to the inspect page. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { term, watchTerms }] = await Promise.all(["headlight", "store", "terms"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();

function build(parent, store) {
  const side = ui.make("span", { class: "side" });
  const layer = chooser("Layer", (value) => choose(state, { layer: value }));
  const head = chooser("Head", (value) => choose(state, { head: value }));
  const kind = ui.make("select", { "aria-label": "Kind of attention" });
  const inspect = ui.make("a", {}, "Inspect");
  const state = { store, side, layer, head, kind, inspect, send: () => {}, grid: null };
  kind.addEventListener("change", () => state.send("kind", kind.value));
  watchTerms(parent);
  parent.append(ui.make("div", { class: "chooser" }, side, kind, layer.root, head.root, inspect));
  return state;
}

/** A box of numbers with a button before and after it: {root, fill(numbers, now)}. */
function chooser(name, chosen) {
  const box = ui.make("select", { "aria-label": name });
  const step = (sign, by, words) => {
    const button = ui.make("button", { type: "button", "aria-label": `${words} ${name.toLowerCase()}`, title: `${words} ${name.toLowerCase()}` }, sign);
    button.addEventListener("click", () => chosen(Number(box.options[box.selectedIndex + by].value)));
    return button;
  };
  const [back, onward] = [step("‹", -1, "Previous"), step("›", 1, "Next")];
  box.addEventListener("change", () => chosen(Number(box.value)));
  const root = ui.make("span", { class: "part", role: "group", "aria-label": name }, term("head", name.toLowerCase()), back, box, onward);
  function fill(numbers, now) {
    const key = numbers.join();
    if (box.dataset.numbers !== key) {
      box.dataset.numbers = key;
      box.replaceChildren(...numbers.map((number) => ui.make("option", { value: String(number) }, String(number))));
    }
    box.value = String(now);
    back.disabled = box.selectedIndex <= 0;
    onward.disabled = box.selectedIndex >= numbers.length - 1;
  }
  return { root, fill };
}

/** Another layer keeps the head's number as far as it has one. */
function choose({ store, grid }, change) {
  const { layer, head } = { ...store.look(), ...change };
  const count = grid.counts[grid.layers.indexOf(layer)] ?? 1;
  store.change({ layer, head: Math.min(head, count - 1) });
}

function show(state, look, run) {
  const { layers, counts } = run.grid;
  state.grid = run.grid;
  state.layer.fill(layers, look.layer);
  state.head.fill(Array.from({ length: counts[layers.indexOf(look.layer)] ?? 1 }, (_, head) => head), look.head);
}

/** What is asked for is named at once, also while it is on its way. */
function connect(state) {
  const { store } = state;
  const again = (look) => store.shown() && look && show(state, look, store.shown().run);
  return [store.listen("shown", ({ look, run }) => show(state, look, run)), store.listen("waiting", again)];
}

export default function ({ data, store: name, parentElement, setTriggerValue }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(name)));
  state.send = setTriggerValue;
  const { side, kinds, kind, inspect } = ui.parse(data);
  state.side.textContent = side;
  state.kind.hidden = kinds.length < 2;
  state.kind.replaceChildren(...kinds.map(({ value, label }) => ui.make("option", { value }, label)));
  state.kind.value = kind;
  state.inspect.href = `${HEADLIGHT.base}/${inspect}`;
  state.inspect.setAttribute("aria-label", `Inspect side ${side}`);
  state.stops ??= connect(state);
  return () => {
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
