/** Everything that turns: the layer's settings, the heads made by hand, and the tags. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, choices, field, line, slider, toggle }, { RANGES }, { PRESETS, presetOf }, { explained }, { FIRST, SIZES, tagsOf }] = await Promise.all(
  ["../headlight", "../draw/inputs", "../local/layer", "../local/presets", "../terms", "./model"].map((name) => import(`${name}.js${version}`)));

const HEADS = [1, 2, 4, 8, 16];
const TEMPERATURES = [0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10, 20];
const KINDS = (heads, kv) => (kv === heads ? "MHA" : kv === 1 ? "MQA" : "GQA");
const RANDOM = "random weights";

/** {root, draw(state, made)}. turn(changes, words, gesture) changes the state, words saying what; gesture: see `history.js`. */
export function controls(turn) {
  const own = { turn, state: null, sizes: ui.make("fieldset"), note: ui.make("p", { class: "note" }), known: "" };
  own.preset = choices({ label: "Weights", options: [["", RANDOM], ...PRESETS.map(({ name, title }) => [name, title])], value: "", change: (preset) => choose(own, preset) });
  own.causal = toggle({ label: "causal mask", value: true, change: (causal) => set(own, { causal }, causal ? "causal mask on" : "causal mask off") });
  own.scaled = toggle({ label: "÷ √d_head", value: true, change: (scaled) => set(own, { scaled }, scaled ? "scale on" : "scale off") });
  own.positions = toggle({ label: "positions", value: true, change: (positions) => set(own, { positions }, positions ? "positions on" : "positions off") });
  own.temperature = slider({ label: "temperature", values: TEMPERATURES, value: 1, change: (temperature) => set(own, { temperature }, `temperature ${temperature}`, "temperature") });
  [[own.causal, "causal"], [own.scaled, "scaled"], [own.positions, "positions"]].forEach(([made, key]) => [made, made.querySelector("input")].forEach((one) => explained(one, key)));
  nameOf(own.temperature, "temperature");
  own.back = button("All as at the beginning", () => turn({ settings: FIRST, preset: "", tags: [], edits: [] }, "all as at the beginning"));
  const root = ui.make("section", { class: "controls", "aria-label": "Settings" }, line(own.preset), own.sizes, own.note,
    line(own.causal, own.scaled, own.positions), line(own.temperature, own.back));
  return { root, draw: (state, made) => draw(own, state, made) };
}

/** The name of a control explains its term. */
function nameOf(made, key) {
  explained(made.querySelector(".name"), key, { isControl: false });
  return made;
}

function set({ turn, state }, settings, words, gesture = "") {
  turn({ settings: { ...state.settings, ...settings } }, words, gesture);
}

/** A preset; a sample brings its tags along where they are asked for, and nobody has put any. */
function choose({ turn, state }, preset) {
  const found = presetOf(preset);
  const tags = state.tags.length || preset !== "verb" ? state.tags : tagsOf(state.text);
  turn({ preset, tags, edits: [], layer: found ? found.layers - 1 : 0 }, found ? `the head “${found.title}”` : RANDOM);
}

function draw(own, state, made) {
  own.state = state;
  const { settings, preset } = state;
  own.preset.set(preset);
  own.causal.set(settings.causal);
  own.scaled.set(settings.scaled);
  own.positions.set(settings.positions);
  own.temperature.set(nearest(settings.temperature));
  // A link may bring one that the slider does not have.
  own.temperature.querySelector("output").textContent = String(settings.temperature);
  const known = JSON.stringify([settings.d_model, settings.n_heads, settings.n_kv_heads]);
  if (known !== own.known) Object.assign(own, { known }).sizes.replaceChildren(sizeLine(own));
  if (own.seed && !own.seed.matches(":focus-within")) own.seed.set(settings.seed);
  own.sizes.disabled = Boolean(preset);
  own.note.textContent = preset && made.settings ? `Sizes follow from the construction: d_model = d_head = ${made.settings.d_model}, one head.` : `d_head = ${settings.d_model} ÷ ${settings.n_heads} = ${settings.d_model / settings.n_heads}. The weights are random numbers of the seed: nothing is trained.`;
}

const nearest = (temperature) => TEMPERATURES.reduce((best, one) => (Math.abs(one - temperature) < Math.abs(best - temperature) ? one : best));

/** Sizes that fit each other; the pressed button keeps the focus, for the line is made anew. */
function sizeLine(own) {
  const { settings } = own.state;
  const focused = own.sizes.querySelector("button:focus")?.dataset.size;
  const mark = (group, name) => [...group.querySelectorAll("button")].forEach((one) => { one.dataset.size = `${name} ${one.textContent}`; });
  const width = choices({ label: "d_model", options: SIZES.map((size) => [size, String(size)]), value: settings.d_model, change: (d_model) => resize(own, { d_model }, `d_model ${d_model}`) });
  const heads = choices({ label: "heads", options: HEADS.filter((count) => settings.d_model % count === 0).map((count) => [count, String(count)]), value: settings.n_heads, change: (n_heads) => resize(own, { n_heads }, `heads ${n_heads}`) });
  const shared = choices({
    label: "kv heads", options: HEADS.filter((count) => settings.n_heads % count === 0).map((count) => [count, `${count} (${KINDS(settings.n_heads, count)})`]), value: settings.n_kv_heads,
    change: (n_kv_heads) => set(own, { n_kv_heads }, `kv heads ${n_kv_heads} (${KINDS(settings.n_heads, n_kv_heads)})`),
  });
  [[width, "width"], [heads, "heads"], [shared, "shared"]].forEach(([group, name]) => mark(group, name));
  const [low, high] = RANGES.seed;
  own.seed = field({ label: "seed", value: settings.seed, low, high, step: 1, change: (seed) => set(own, { seed }, `seed ${seed}`, "seed") });
  const another = button("Another seed", () => set(own, { seed: (own.state.settings.seed % high) + 1 }, `seed ${(own.state.settings.seed % high) + 1}`));
  if (focused) queueMicrotask(() => own.sizes.querySelector(`button[data-size="${focused}"]`)?.focus());
  return line(nameOf(width, "width"), nameOf(heads, "count"), nameOf(shared, "shared"), nameOf(own.seed, "seed"), another);
}

/** Other sizes, the dependent ones made to fit: as many key-value heads as heads where that was so before. */
function resize(own, changes, words) {
  const before = own.state.settings;
  const next = { ...before, ...changes };
  next.n_heads = fitting(next.n_heads, next.d_model);
  next.n_kv_heads = before.n_kv_heads === before.n_heads ? next.n_heads : fitting(next.n_kv_heads, next.n_heads);
  own.turn({ settings: next }, words);
}

/** The largest number up to `count` that divides `whole`. */
function fitting(count, whole) {
  let found = Math.min(count, whole);
  while (whole % found) found -= 1;
  return found;
}
