/**
 * A pass of the local layer as a run: the tree that a store takes, as the server would send it (`attention/browser/store.py`),
 * so that every component shows what was made in the browser. Nothing here touches the page.
 */

const version = new URL(import.meta.url).search;
const [{ checked }, { numberOf }] = await Promise.all(["./layer", "./random"].map((name) => import(`${name}.js${version}`)));

// Who looks both ways is an encoder's; a mask of one's own is taken for one that hides what comes later.
const KINDS = { causal: "decoder", own: "decoder", open: "encoder" };
// Up to which difference from the pass's own output a head counts as equal, relative to its largest number: as for float32.
const ALLOWED = 1e-5;
const WORDLIKE = /[\p{L}\p{N}]/u;

// What a look holds where nothing was chosen: the fields and defaults of `attention/view/fields.py`.
const FIRST = Object.freeze({
  layer: 0, head: 0, query: null, also: [], together: "mean", key: null, stage: "masked", weights: "weights", values: "output",
  temperature: 1, hide: [], rest: "left", zoom: null, measure: "weights", sort: false, counted_on: "text", details: "links",
  beside: [], least: 0, top: 0, over: "heads", ids: false, edits: [], patch_text: "", target: null, distractor: null, switched_off: "zero", frozen: false,
});
const ABOUT = ["edits", "patch_text", "layer", "head", "query", "also", "key", "zoom", "beside", "target", "distractor"];
// Why nothing can be changed while it runs on, as `attention/browser/store.py` says it.
const UNEDITED = "There is no model here that could run on with a change.";
const IN_TILES = ["query", "also", "stage", "weights", "values", "zoom"];

/**
 * The tree that `storeOf(name).arriveRun()` takes: tokens as from `tokensOf`, a pass as from `forward`, and the settings that
 * it was made with. keyTokens: those of `context`, in cross-attention. id: the run's name; one name for all runs of the same
 * tokens and heads where none is given, so that pins stay while a setting is turned.
 *
 * Heads whose scores were edited are not made of their queries and keys any more: they travel as maps.
 */
export function runOf(tokens, pass, settings, { keyTokens = tokens, id = nameOf(tokens, keyTokens, pass) } = {}) {
  const kind = tokens === keyTokens ? KINDS[pass.rule] : "cross";
  return {
    id, kind, usual: kind, kinds: [kind], level: "all", reached: null,
    layers: [layerOf(kind, tokens, keyTokens, pass, checked(settings))],
    grid: { layers: [0], counts: [pass.query.shape[0]] },
    tokens: { queries: tokens.map(tokenOf), keys: keyTokens.map(tokenOf), same: tokens === keyTokens },
    tiles: null,
  };
}

/**
 * The tree that `storeOf(name).arriveLook()` takes for such a run. changes: fields of the look, such as `{ query: 3, head: 1 }`;
 * the token that is pinned where none is named is the last word. seen: up to which of the store's changes are confirmed by it.
 */
export function lookOf(run, changes = {}, { seen = 0 } = {}) {
  const strange = Object.keys(changes).find((name) => !(name in FIRST));
  if (strange) throw new RangeError(`A look has no field “${strange}”; it has: ${Object.keys(FIRST).join(", ")}.`);
  const { queries } = run.tokens;
  const look = { ...FIRST, ...changes };
  return {
    run: run.id, base: run.id, unedited: UNEDITED, seen, look: { ...look, query: look.query ?? lastWord(queries) }, undo: false, redo: false,
    count: { tokens: queries.length, pair: 0, limit: queries.length }, address: null, about: [...ABOUT], tiles: [...IN_TILES],
  };
}

/** The token that is pinned where none was chosen: the last one with a letter or a digit, else the last one. */
export function lastWord(tokens) {
  const found = tokens.findLastIndex(({ text }) => WORDLIKE.test(text));
  return found < 0 ? tokens.length - 1 : found;
}

/** Its name by its tokens and heads, which is all that a pin or a chosen head is about. */
function nameOf(tokens, keyTokens, { query, key }) {
  const words = [tokens, keyTokens].flatMap((side) => [side.length, ...side.map(({ text }) => text)]);
  return `local/${numberOf(...words, query.shape[0], key.shape[0]).toString(16)}`;
}

function tokenOf({ text, name, shown, mark }) {
  return { name: name ?? text, text: shown ?? text, mark: mark ?? "", id: null, special: false, segment: 0 };
}

function layerOf(kind, tokens, keyTokens, pass, settings) {
  const [h, n] = pass.query.shape;
  const [g, k] = pass.key.shape;
  const isLost = pass.isEdited;
  const scale = settings.scaled ? 1 / Math.sqrt(settings.d_model / settings.n_heads) : 1;
  return {
    layer: 0, op: 0, kind, edits: [], given: {}, givenWeights: {}, heads: [...Array(h).keys()], groups: Array.from({ length: h }, (_, head) => Math.floor((head * g) / h)),
    queries: n, keys: k,
    query: isLost ? null : pass.query, key: isLost ? null : pass.key, value: pass.value, output: byToken(pass.heads),
    scale, softcap: null, temperature: settings.temperature, sink: null, sinkScales: false,
    mask: maskOf(pass), bias: null,
    special: { queries: new Uint8Array(tokens.length), keys: new Uint8Array(keyTokens.length) },
    allowed: ALLOWED, unknown: isLost ? ["query", "key"] : [], needs: isLost ? "maps" : "",
    maps: isLost ? { masked: pass.masked, weights: pass.weights } : null,
    titles: titlesOf(settings, isLost), noContribution: "",
  };
}

/** How each step before the mask is written, as `attention/analysis/titles.py` has it. */
function titlesOf({ scaled, d_model, n_heads, temperature }, isLost) {
  if (isLost) return { masked: "score" };
  const titles = { scores: "q·k", scaled: scaled ? `× 1/√${d_model / n_heads}` : "× 1" };
  return temperature === 1 ? titles : { ...titles, tempered: `÷ ${Number(temperature.toPrecision(6))}` };
}

/** The rule by which a query sees a key; a mask that follows none, as bits. */
function maskOf({ rule, allowed }) {
  const open = { before: null, after: rule === "causal" ? 0 : null, keys: null, bits: null };
  return rule === "own" ? { ...open, bits: bitsOf(allowed) } : open;
}

/** (n, k) of 0 and 1 → (n, ⌈k / 8⌉), key j in bit j mod 8 of its byte. */
function bitsOf(allowed) {
  const [n, k] = allowed.shape;
  const bytes = Math.ceil(k / 8);
  const bits = new Uint8Array(n * bytes);
  bits.shape = [n, bytes];
  for (let i = 0; i < allowed.length; i++) {
    const [row, column] = [Math.floor(i / k), i % k];
    bits[row * bytes + (column >> 3)] |= allowed[i] << (column & 7);
  }
  return bits;
}

/** (h, n, d) → (n, h, d), as the model's own output travels. */
function byToken(heads) {
  const [h, n, d] = heads.shape;
  const made = new Float32Array(heads.length);
  made.shape = [n, h, d];
  for (let row = 0, i = 0; row < n; row++) {
    for (let head = 0; head < h; head++) for (let at = 0; at < d; at++, i++) made[i] = heads[(head * n + row) * d + at];
  }
  return made;
}
