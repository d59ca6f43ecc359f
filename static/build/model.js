/**
 * What the Build page holds, and what is made of it: a state {text, settings, preset, tags, edits, layer, head, query, key, dim,
 * out} of plain values, checked, and all steps of its layers. Nothing here touches the page.
 *
 * edits: [{matrix: query, key, value, output or scores, layer, head (of scores), row, column, value}]. dim: which number of the
 * head's vectors the formulas show; out: which number of the output; null is the largest.
 */

const version = new URL(import.meta.url).search;
const [{ folded, tokensOf }, layers, { PRESETS, added, byHand, presetOf }] = await Promise.all(
  ["../local/words", "../local/layer", "../local/presets"].map((name) => import(`${name}.js${version}`)));
const { DEFAULTS, checked, embedded, forward, weightsOf } = layers;

/** What strangers' links and the keyboard may ask for. `attention/handmade.py` has the same bounds. */
export const MOST = Object.freeze({ tokens: 24, characters: 1_000, edits: 40, size: 2_000 });
export const MATRICES = Object.freeze(["query", "key", "value", "output"]);
export const SIZES = Object.freeze([4, 8, 16, 32, 64, 128]);
export const EXAMPLE = "The cat sat on the mat";
/** The sentences that are offered, with the places of their verbs. */
export const SAMPLES = Object.freeze([[EXAMPLE, [2]], ["The red door and the blue door", []], ["Ann met Bob and later Ann", [1]]]);
/** What a first visitor meets: small enough for each number to be seen. */
export const FIRST = Object.freeze({ ...DEFAULTS, d_model: 16, n_heads: 2, n_kv_heads: 2 });
const KINDS = [...MATRICES, "scores"];

/** The state at the beginning, with changes. */
export const begin = (changes = {}) => ({
  text: EXAMPLE, settings: FIRST, preset: "", tags: [], edits: [], layer: 0, head: 0, query: null, key: null, dim: null, out: null, ...changes,
});

/** Everything that a state makes: {tokens, names, left: how many tokens are left out, dims, layers: [step, …]}; no tokens, no layers. */
export function made(state) {
  const all = tokensOf(state.text);
  const tokens = all.slice(0, MOST.tokens);
  const whole = { tokens, names: namesOf(tokens), left: all.length - tokens.length, dims: null, layers: [] };
  if (!tokens.length) return whole;
  const base = baseOf(tokens, state);
  let { x } = base;
  const steps = base.layers.map(({ weights: plain, reads = null }, at) => {
    const own = state.edits.filter((edit) => edit.layer === at);
    const weights = weightsWith(plain, own);
    const scores = scoresWith(own);
    const pass = forward(x, weights, base.settings, scores ? { scores } : {});
    const step = { ...(at ? { words: null, positions: null } : base), x, weights, plain, pass, reads, settings: base.settings };
    x = added(x, pass.output);
    return step;
  });
  return { ...whole, dims: base.dims, layers: steps, settings: base.settings };
}

function baseOf(tokens, { settings, preset, tags }) {
  if (preset) return byHand(preset, tokens, settings, tags);
  const own = checked(settings);
  return { ...embedded(tokens, own), dims: null, settings: own, layers: [{ weights: weightsOf(own) }] };
}

function weightsWith(plain, edits) {
  const own = edits.filter((edit) => edit.matrix !== "scores");
  if (!own.length) return plain;
  const copies = { ...plain };
  for (const { matrix, row, column, value } of own) {
    if (copies[matrix] === plain[matrix]) copies[matrix] = Object.assign(plain[matrix].slice(), { shape: plain[matrix].shape });
    copies[matrix][row * plain[matrix].shape[1] + column] = value;
  }
  return copies;
}

function scoresWith(edits) {
  const own = new Map(edits.filter((edit) => edit.matrix === "scores").map((edit) => [`${edit.head} ${edit.row} ${edit.column}`, edit.value]));
  return own.size ? (head, row, column, score) => own.get(`${head} ${row} ${column}`) ?? score : null;
}

/** The tokens' names; one that stands more than once has its place behind it. */
function namesOf(tokens) {
  const count = new Map();
  for (const { name } of tokens) count.set(name, (count.get(name) ?? 0) + 1);
  return tokens.map(({ name }, i) => (count.get(name) > 1 ? `${name} #${i}` : name));
}

/**
 * A state whose parts fit each other, and what was dropped for it: {state, dropped: how many edits have no place in the new
 * sizes}. Throws RangeError with a sentence where the settings make no layer.
 */
export function settled(state) {
  const settings = checked(state.settings);
  const next = { ...state, settings, text: state.text.slice(0, MOST.characters) };
  const tokens = tokensOf(next.text).slice(0, MOST.tokens);
  next.tags = [...new Set(next.tags)].filter((tag) => tag < tokens.length).sort((one, other) => one - other);
  const sizes = sizesOf(next, tokens);
  next.edits = state.edits.filter((edit) => hasPlace(edit, sizes));
  const within = (value, count) => Math.max(0, Math.min(count - 1, value));
  Object.assign(next, {
    layer: within(next.layer, sizes.layers), head: within(next.head, sizes.heads),
    dim: next.dim === null ? null : within(next.dim, sizes.d), out: next.out === null ? null : within(next.out, sizes.m),
    query: next.query === null ? pinOf(tokens) : within(next.query, Math.max(1, tokens.length)),
  });
  next.key = next.key === null ? earlier(next.query) : within(next.key, Math.max(1, tokens.length));
  return { state: next, dropped: state.edits.length - next.edits.length };
}

/** What is pinned where nobody chose: the third token, which has something to look back at. */
const pinOf = (tokens) => Math.max(0, Math.min(2, tokens.length - 1));
const earlier = (query) => Math.max(0, query - 1);

function sizesOf({ settings, preset }, tokens) {
  const n = tokens.length;
  if (preset && n) {
    const m = byHand(preset, tokens, settings).dims.length;
    return { n, m, heads: 1, d: m, shared: m, layers: presetOf(preset).layers };
  }
  const { d_model: m, n_heads: heads, n_kv_heads } = settings;
  return { n, m, heads, d: m / heads, shared: (m / heads) * n_kv_heads, layers: 1 };
}

function hasPlace({ matrix, layer, head, row, column }, { n, m, heads, shared, layers: count }) {
  if (layer >= count) return false;
  if (matrix === "scores") return head < heads && row < n && column < n;
  return row < m && column < (matrix === "key" || matrix === "value" ? shared : m);
}

/** The tags that come with a sample; none with a person's own sentence. */
export const tagsOf = (text) => [...SAMPLES, ...PRESETS.filter(({ tags }) => tags.length).map(({ sample, tags }) => [sample, tags])].find(([sample]) => sample === text)?.[1] ?? [];

/** The same sentence with another text: tags stay with their words. */
export function retagged(state, text) {
  const before = tokensOf(state.text);
  const tagged = new Set(state.tags.map((tag) => before[tag] && folded(before[tag].text)));
  const tags = tokensOf(text).slice(0, MOST.tokens).flatMap((token, i) => (tagged.has(folded(token.text)) ? [i] : []));
  return { ...state, text, tags, query: null, key: null, edits: state.edits.filter((edit) => edit.matrix !== "scores") };
}

/** The state with one cell set by hand; a later edit of a cell takes the place of the one before. Throws RangeError. */
export function edited(state, edit) {
  if (!KINDS.includes(edit.matrix)) throw new RangeError(`An edit is of one of ${KINDS.join(", ")}; got ${edit.matrix}.`);
  checkNumber(edit.value);
  const others = state.edits.filter((one) => !isSame(one, edit));
  if (others.length >= MOST.edits) throw new RangeError(`At most ${MOST.edits} numbers can be set by hand; lift one first.`);
  return { ...state, edits: [...others, edit] };
}

/** The state without that edit. */
export const lifted = (state, edit) => ({ ...state, edits: state.edits.filter((one) => !isSame(one, edit)) });

/** Throws RangeError with a sentence for what is no number that a cell can have. */
export function checkNumber(value) {
  if (typeof value !== "number" || !Number.isFinite(value) || Math.abs(value) > MOST.size) {
    throw new RangeError(`A cell takes a number from −${MOST.size} to ${MOST.size}, such as 0.5.`);
  }
}

/** Whether two edits are of one cell. */
export const isSame = (one, other) => ["matrix", "layer", "row", "column"].every((name) => one[name] === other[name])
  && (one.matrix !== "scores" || one.head === other.head);

/** What the server is asked to make of the same: plain values, `attention/handmade.py` reads them. */
export const askOf = ({ text, settings, preset, tags, edits }) => ({ text, settings: { ...settings }, preset, tags, edits });
