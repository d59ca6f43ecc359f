/** One head of the local layer, made in this browser, by the components of the inspect page, with controls that change it. */

const version = new URL(import.meta.url).search;
const names = ["../../store", "../facts", "../parts", "../../draw/inputs", "../../local/words", "../../local/layer", "../../local/run"];
const [{ storeOf }, facts, { partsOf, pictureOfParts }, inputs, { tokensOf }, { embedded, forward, weightsOf }, { lookOf, runOf }] = await Promise.all(
  names.map((name) => import(`${name}.js${version}`)));

const LAYER = ["d_model", "n_heads", "n_kv_heads", "causal", "scaled", "temperature", "positions", "seed"];
const TEMPERATURES = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20];
const WIDTHS = [16, 32, 64, 128];
const HEADS = [1, 2, 4, 8];
// Beyond so many tokens the maps say nothing any more.
const MOST_TOKENS = 60;
const EMPTY = "Type a sentence above: there is nothing here to look at.";

export default function ({ root, settings, context }) {
  const { ui, changed } = context;
  const store = storeOf(context.store);
  const own = { ...Object.fromEntries(LAYER.map((name) => [name, settings[name]])), n_kv_heads: settings.n_kv_heads || settings.n_heads };
  const state = { made: "", text: "" };
  const style = ui.make("style", {}, inputs.css);
  const note = ui.make("p", { class: "run-status", role: "status", hidden: true });
  const parts = partsOf(context, store, settings.show);
  const controls = (settings.controls ?? []).map((name) => controlOf(name));
  root.append(style, ...(controls.length ? [inputs.line(...controls)] : []), note, parts.root);

  function set(name, value) {
    const before = own[name];
    own[name] = value;
    // As many key-value heads as heads, unless there were fewer.
    if (name === "n_heads") own.n_kv_heads = own.n_kv_heads === before ? value : Math.min(own.n_kv_heads, value);
    make();
  }

  function controlOf(name) {
    const change = (value) => set(name, value);
    if (name === "causal") return inputs.toggle({ label: "causal mask", value: own.causal, change });
    if (name === "scaled") return inputs.toggle({ label: "divide by √d_head", value: own.scaled, change });
    if (name === "positions") return inputs.toggle({ label: "positions", value: own.positions, change });
    if (name === "temperature") return inputs.slider({ label: "temperature", values: TEMPERATURES, value: own.temperature, change });
    if (name === "seed") return inputs.button("Another seed", () => set("seed", own.seed + 1));
    const among = { d_model: WIDTHS, n_heads: HEADS, n_kv_heads: HEADS }[name];
    const label = { d_model: "d_model", n_heads: "heads", n_kv_heads: "key-value heads" }[name];
    return inputs.choices({ label, options: among.map((value) => [value, String(value)]), value: own[name], change });
  }

  function make() {
    const text = (settings.own && context.sentence()) || settings.text;
    const key = JSON.stringify([text, own]);
    if (key === state.made) return;
    state.made = key;
    const tokens = tokensOf(text).slice(0, MOST_TOKENS);
    const run = tokens.length ? tried(tokens) : null;
    note.hidden = Boolean(run);
    if (!tokens.length) note.textContent = EMPTY;
    if (!run) return;
    store.arriveRun(run);
    const pinned = text === state.text ? null : pinOf(tokens, settings.pin);
    const before = text === state.text ? store.look() : null;
    state.text = text;
    const head = Math.min(before?.head ?? settings.head, own.n_heads - 1);
    store.arriveLook(lookOf(run, { head, query: before?.query ?? pinned }));
  }

  /** A pass, or in words why these settings make no layer. */
  function tried(tokens) {
    try {
      return runOf(tokens, forward(embedded(tokens, own).x, weightsOf(own), own), own);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      note.textContent = error.message;
      return null;
    }
  }

  const follow = () => {
    parts.follow();
    changed();
  };
  const stop = store.listen("shown", follow);
  make();
  follow();
  return {
    facts: () => facts.factsOf(store.shown()),
    tokens: () => facts.tokensOf(store.shown()),
    picture: () => pictureOfParts(context, store, settings.show, parts.panels()),
    draw() {
      make();
      parts.follow();
    },
    stop() {
      stop();
      parts.stop();
    },
  };
}

/** The place of the word's last occurrence, or null. */
function pinOf(tokens, word) {
  const found = word ? tokens.findLastIndex(({ text }) => text === word) : -1;
  return found < 0 ? null : found;
}
