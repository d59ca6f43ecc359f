/**
 * Heads made by hand: weights that are written down so that a head does one thing that has a name. Each number of a token's
 * vector stands for something that has a name too: a word, a place, a tag. `attention/handmade.py` makes the same weights.
 *
 * Scores are written as they are after the division by √d_head, and the queries' weights hold them times √d_head.
 */

const version = new URL(import.meta.url).search;
const [{ folded }, { checked, forward, shaped }] = await Promise.all(["./words", "./layer"].map((name) => import(`${name}.js${version}`)));

// By how much the wanted score is above all others: of 24 tokens the others have less than 0.2 % together.
const GAP = 10;
// What each place away from the query takes off a score, where the nearest is wanted.
const STEP = 6;

/** What there is: its name, how many layers it has, what it does, how it is made, and a sentence that shows it. */
export const PRESETS = Object.freeze([
  {
    name: "previous", title: "previous token", layers: 1, sample: "The cat sat on the mat", tags: [],
    does: "Each token looks at the one before it.",
    how: [
      "Each place has a number of its own in a token’s vector, which is 1 at that place and 0 elsewhere.",
      "W_K hands the place on: a key says “I stand at place 3”.",
      "W_Q hands it on shifted by one: the query of place 4 asks for place 3. So W_Q·W_Kᵀ has its numbers one beside the diagonal.",
    ],
  },
  {
    name: "same", title: "same word", layers: 1, sample: "The red door and the blue door", tags: [],
    does: "Each token looks at itself and at the same word elsewhere.",
    how: [
      "Each distinct word has a number of its own in a token’s vector.",
      "W_Q and W_K both hand the word on, so that query and key agree exactly where the words do: W_Q·W_Kᵀ is diagonal over the words.",
      "Places are not asked for: the same words at other places have the same scores.",
    ],
  },
  {
    name: "first", title: "first token", layers: 1, sample: "The cat sat on the mat", tags: [],
    does: "Each token looks at the first one, whatever it is.",
    how: [
      "One number, “always”, is 1 in every token’s vector.",
      "W_Q turns it into the question for place 0, the same for all tokens; W_K hands the place on.",
      "Trained heads that have nothing to do often rest on the first token like this.",
    ],
  },
  {
    name: "uniform", title: "uniform", layers: 1, sample: "The cat sat on the mat", tags: [],
    does: "Each token looks at all that it may see, evenly.",
    how: [
      "W_Q is 0: each query is 0, and so is each score, whatever the keys are.",
      "The softmax of equal scores gives equal weights, so that the output is the mean of the values.",
    ],
  },
  {
    name: "verb", title: "nearest verb", layers: 1, sample: "The old dog slept while the cats ran and played outside", tags: [3, 7, 9],
    does: "Each token looks at the nearest token with the tag “verb”.",
    how: [
      "One number is 1 for the tokens that bear the tag. No word says by itself that it is a verb: the tags come with the sample, and you can change them.",
      "W_Q turns “always” into a question for the tag, which outweighs everything else.",
      "The query of place i also asks for each place j, with a score that falls by 6 for each place between i and j. Among the tagged tokens the nearest one wins.",
    ],
  },
  {
    name: "induction", title: "induction, two layers", layers: 2, sample: "Ann met Bob and later Ann", tags: [],
    does: "After A B … A, the second A looks at B: what followed the first time.",
    how: [
      "Layer 1 is the head “previous token”. Its W_V takes the word, and its W_O writes it to other numbers of the vector, “after …”. Added to what was there, a token’s vector now says which word stood before it.",
      "Layer 2 asks with the word itself (W_Q) for tokens that say they stood after it (W_K reads “after …”). That is the token which followed the same word before.",
      "The first token stood after nothing and found only itself in layer 1: W_K counts place 0 down, so that nobody is led there by it.",
    ],
  },
]);

/** One of them by its name, or null. */
export const presetOf = (name) => PRESETS.find((one) => one.name === name) ?? null;

/**
 * The vectors and the layers of a preset: {dims: what each number of a vector stands for, words, positions, x (n, m) as from
 * `embedded`, layers: [{weights, reads}], settings: the sizes that they need}. tokens: as from `tokensOf`, or texts. tags: the
 * places of the tagged tokens. `reads`: W_Q·W_Kᵀ (m, m), which says what asks for what.
 */
export function byHand(name, tokens, settings, tags = []) {
  const own = presetOf(name);
  if (!own) throw new RangeError(`No head is made by hand under the name “${name}”; there are: ${PRESETS.map((one) => one.name).join(", ")}.`);
  const plan = planOf(tokens, own.layers > 1);
  const sizes = checked({ ...settings, d_model: plan.width, n_heads: 1, n_kv_heads: 1 });
  const made = vectorsOf(plan, tags, sizes.positions);
  const unit = Math.sqrt(plan.width);
  const layers = MAKERS[name](plan).map(({ asks, offers, takes, writes }) => {
    const weights = { query: matrixOf(plan, asks, unit), key: matrixOf(plan, offers), value: matrixOf(plan, takes), output: matrixOf(plan, writes) };
    return { weights, reads: productOf(weights.query, weights.key) };
  });
  return { dims: plan.dims, ...made, layers, settings: sizes };
}

/** The passes of a preset's layers, one after the other: each adds its output to the vectors, and the next reads the sum. */
export function through(made, options = []) {
  let x = made.x;
  return made.layers.map(({ weights }, at) => {
    const pass = forward(x, weights, made.settings, options[at]);
    const read = x;
    x = added(x, pass.output);
    return { x: read, pass, after: x };
  });
}

/** Two arrays of one shape, added. */
export function added(one, other) {
  const made = one.map((value, i) => value + other[i]);
  made.shape = one.shape;
  return made;
}

/** Where each thing stands in a vector: the distinct words, the words before (for two layers), the places, and two marks. */
function planOf(tokens, hasBefore) {
  const found = new Map();
  const wordAt = tokens.map((token) => {
    const word = folded(token.text ?? token);
    if (!found.has(word)) found.set(word, found.size);
    return found.get(word);
  });
  const [n, words] = [tokens.length, found.size];
  const names = [...found.keys()];
  const before = hasBefore ? words : 0;
  const places = words + before;
  const dims = [...names, ...(hasBefore ? names.map((name) => `after ${name}`) : []), ...tokens.map((_, i) => `place ${i}`), "always", "verb"];
  return { n, words, wordAt, word: (w) => w, after: (w) => words + w, place: (i) => places + i, always: places + n, verb: places + n + 1, width: dims.length, dims };
}

function vectorsOf(plan, tags, hasPositions) {
  const shape = [plan.n, plan.width];
  const [words, positions] = [shaped(shape), shaped(shape)];
  const tagged = new Set(tags);
  for (let i = 0; i < plan.n; i++) {
    const row = i * plan.width;
    words[row + plan.word(plan.wordAt[i])] = 1;
    words[row + plan.always] = 1;
    if (tagged.has(i)) words[row + plan.verb] = 1;
    if (hasPositions) positions[row + plan.place(i)] = 1;
  }
  return { words, positions, x: added(words, positions) };
}

const range = (count) => Array.from({ length: count }, (_, i) => i);
/** Every word, or every place, to itself. */
const wordsOn = (plan) => range(plan.words).map((w) => [plan.word(w), plan.word(w), 1]);
const placesOn = (plan) => range(plan.n).map((i) => [plan.place(i), plan.place(i), 1]);
const copying = (plan) => ({ takes: wordsOn(plan), writes: wordsOn(plan) });
/** The query of each place but the first asks for the place before. */
const shifted = (plan) => range(plan.n).slice(1).map((i) => [plan.place(i), plan.place(i - 1), GAP]);

/** The entries [row, column, value] of each layer's four matrices. asks: the queries' in units of finished scores. */
const MAKERS = {
  previous: (plan) => [{ asks: shifted(plan), offers: placesOn(plan), ...copying(plan) }],
  same: (plan) => [{ asks: range(plan.words).map((w) => [plan.word(w), plan.word(w), GAP]), offers: wordsOn(plan), ...copying(plan) }],
  first: (plan) => [{ asks: [[plan.always, plan.place(0), GAP]], offers: placesOn(plan), ...copying(plan) }],
  uniform: (plan) => [{ asks: [], offers: placesOn(plan), ...copying(plan) }],
  verb: (plan) => [{
    asks: [[plan.always, plan.verb, STEP * plan.n + GAP], ...range(plan.n).flatMap((i) => range(plan.n).filter((j) => j !== i)
      .map((j) => [plan.place(i), plan.place(j), -STEP * Math.abs(i - j)]))],
    offers: [[plan.verb, plan.verb, 1], ...placesOn(plan)], ...copying(plan),
  }],
  induction: (plan) => [
    { asks: shifted(plan), offers: placesOn(plan), takes: wordsOn(plan), writes: range(plan.words).map((w) => [plan.word(w), plan.after(w), 1]) },
    {
      asks: [...range(plan.words).map((w) => [plan.word(w), plan.after(w), GAP]), [plan.always, plan.place(0), -GAP]],
      offers: [...range(plan.words).map((w) => [plan.after(w), plan.after(w), 1]), [plan.place(0), plan.place(0), 1]], ...copying(plan),
    },
  ],
};

function matrixOf(plan, entries, unit = 1) {
  const made = shaped([plan.width, plan.width]);
  for (const [row, column, value] of entries) made[row * plan.width + column] = value * unit;
  return made;
}

/** W_Q·W_Kᵀ: how much a query that has a number asks for a key that has another. */
function productOf(query, key) {
  const m = query.shape[0];
  const made = shaped([m, m]);
  for (let row = 0; row < m; row++) {
    for (let inner = 0; inner < m; inner++) {
      const factor = query[row * m + inner];
      if (factor) for (let column = 0; column < m; column++) made[row * m + column] += factor * key[column * m + inner];
    }
  }
  return made;
}
