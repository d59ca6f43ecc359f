/**
 * A state of the Build page as a link, and back: `text` as on every page, and `build`, parts with commas between, of which each
 * is left out where it is the default. What a link says may be a stranger's: each part is checked, and what cannot be read
 * is named and left out.
 */

const version = new URL(import.meta.url).search;
const [{ DEFAULTS, RANGES, checked }, { presetOf }, model] = await Promise.all(
  ["../local/layer", "../local/presets", "./model"].map((name) => import(`${name}.js${version}`)));
const { EXAMPLE, FIRST, MATRICES, MOST, begin, checkNumber, settled } = model;

// The marks of `attention/layer_settings.py`, so that one line serves both pages.
const NUMBERS = { d: "d_model", heads: "n_heads", kv: "n_kv_heads", temperature: "temperature", seed: "seed" };
const OFF = { both: "causal", unscaled: "scaled", unplaced: "positions" };
const ON = { causal: "causal", scaled: "scaled", placed: "positions" };
const NUMBER = /^-?\d{1,9}(\.\d{1,20})?$/;
const WHOLE = /^\d{1,4}$/;
const PLACES = ["layer", "head", "query", "key", "dim", "out"];
const LONGEST = 4_000;
const CUT = 40;

/** The settings as a link of the inspector has them under `local`. */
export function settingsLine(settings, usual = DEFAULTS) {
  const own = checked(settings);
  const parts = Object.entries(NUMBERS).filter(([mark, name]) => own[name] !== (mark === "kv" ? own.n_heads : usual[name]))
    .map(([mark, name]) => `${mark}=${plain(own[name])}`);
  const switches = Object.entries(OFF).filter(([, name]) => !own[name] && usual[name]).map(([mark]) => mark);
  return [...parts, ...switches, ...Object.entries(ON).filter(([, name]) => own[name] && !usual[name]).map(([mark]) => mark)].join(",");
}

/** What `build` says of a state; "" for the first visitor's. */
export function written(state) {
  const first = settled(begin({ text: state.text })).state;
  const places = PLACES.some((name) => state[name] !== first[name]) ? [`at=${PLACES.map((name) => state[name] ?? "").join(".")}`] : [];
  return [
    settingsLine(state.settings, FIRST), state.preset && `hand=${state.preset}`, state.tags.length ? `tags=${state.tags.join(".")}` : "",
    ...state.edits.map(({ matrix, layer, head = 0, row, column, value }) => `${matrix}=${[layer, head, row, column, plain(value)].join("_")}`), ...places,
  ].filter(Boolean).join(",");
}

/** The query of an address that shows this state; what else stands in it stays. */
export function queryOf(state, search) {
  const query = new URLSearchParams(search);
  query.set("text", state.text);
  query.delete("build");
  const own = written(state);
  return own ? `${query}&build=${own}` : String(query);
}

/** The state of an address: {state, problems: a sentence for each part that could not be read}. own: the text where it names none. */
export function read(search, own = EXAMPLE) {
  const query = new URLSearchParams(search);
  const state = begin({ text: (query.get("text") ?? own).slice(0, MOST.characters) });
  const problems = [];
  const parts = (query.get("build") ?? "").slice(0, LONGEST).split(",").filter(Boolean);
  const settings = { ...FIRST };
  for (const part of parts) {
    try {
      take(state, settings, part);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push(`“${part.slice(0, CUT)}” in this link was left out: ${error.message}`);
    }
  }
  if (!parts.some((part) => part.startsWith("kv="))) settings.n_kv_heads = settings.n_heads;
  try {
    const { state: fits, dropped } = settled({ ...state, settings: checked(settings) });
    if (dropped) problems.push(`${dropped} of this link’s edits have no place in these sizes and were left out.`);
    return { state: fits, problems };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { state: settled({ ...state, settings: FIRST }).state, problems: [...problems, error.message] };
  }
}

function take(state, settings, part) {
  const [mark, raw = ""] = part.split(/=(.*)/s);
  if (Object.hasOwn(OFF, mark)) settings[OFF[mark]] = false;
  else if (Object.hasOwn(ON, mark)) settings[ON[mark]] = true;
  else if (Object.hasOwn(NUMBERS, mark)) settings[NUMBERS[mark]] = checkedSetting(NUMBERS[mark], raw);
  else if (mark === "hand") state.preset = known(raw);
  else if (mark === "tags") state.tags = raw.split(".").map(wholeOf).slice(0, MOST.tokens);
  else if (mark === "at") placesFrom(raw).forEach((value, i) => { state[PLACES[i]] = value; });
  else if (mark === "scores" || MATRICES.includes(mark)) state.edits = model.edited(state, editFrom(mark, raw)).edits;
  else throw new RangeError("there is no such part.");
}

/** A setting's number by itself; whether sizes fit each other is seen once all are known. */
function checkedSetting(name, raw) {
  const value = numberOf(raw);
  const [low, high] = RANGES[name];
  if (!(value >= low && value <= high)) throw new RangeError(`${name} must be from ${low} to ${high}.`);
  return value;
}

function known(name) {
  if (!presetOf(name)) throw new RangeError("no head is made by hand under this name.");
  return name;
}

function placesFrom(raw) {
  const found = raw.split(".");
  if (found.length !== PLACES.length) throw new RangeError(`it must hold ${PLACES.length} whole numbers.`);
  return found.map((one, i) => (one === "" && i > 1 ? null : wholeOf(one)));
}

function editFrom(matrix, raw) {
  const found = raw.split("_");
  if (found.length !== 5) throw new RangeError("it must hold four whole numbers and the cell’s number.");
  const [layer, head, row, column] = found.slice(0, 4).map(wholeOf);
  const value = numberOf(found[4]);
  checkNumber(value);
  return { matrix, layer, ...(matrix === "scores" ? { head } : {}), row, column, value };
}

function wholeOf(raw) {
  if (!WHOLE.test(raw)) throw new RangeError("its places must be whole numbers.");
  return Number(raw);
}

function numberOf(raw) {
  if (!NUMBER.test(raw)) throw new RangeError("its number must be written in digits, such as 0.5.");
  return Number(raw);
}

/** A number in digits, as it can be read back. */
function plain(value) {
  const text = String(value);
  return text.includes("e") ? Number(value).toFixed(12).replace(/\.?0+$/, "") : text;
}
