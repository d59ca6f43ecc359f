/** A person's own numbers of one step of the layer against the right ones, and against those of each common bug. */

const version = new URL(import.meta.url).search;
const [{ random }, { forward, shaped }, { MISTAKES, withMistake }, { allowedAt, firstApart, numbersOf, withoutBatch }] = await Promise.all(
  ["../local/random", "../local/layer", "../local/mistakes", "./pasted"].map((name) => import(`${name}.js${version}`)));

/** The layer of the exercise. */
export const LAYER = Object.freeze({ d_model: 4, n_heads: 2, n_kv_heads: 2, causal: true, scaled: true, temperature: 1, positions: false });
export const TOKENS = 3;
/** The steps that can be pasted, each under the names that a pass has for it. */
export const STEPS = Object.freeze([
  ["query", "Q, split into heads", ["query", "Q"]], ["scores", "scores Q·Kᵀ", ["scores"]], ["scaled", "scaled scores", ["scaled"]], ["masked", "masked scores", ["masked"]],
  ["weights", "weights", ["weights"]], ["heads", "weighted values of each head", ["heads", "concat"]], ["output", "output", ["output"]],
]);

/** The exercise of a seed: {x (3, 4), weights, pass, wrong: [{mistake, pass}]}, all numbers with one decimal. */
export function exercise(seed) {
  const numbers = random(`exercise ${seed}`);
  const matrix = (rows, columns) => {
    const made = shaped([rows, columns]);
    for (let i = 0; i < made.length; i++) made[i] = Math.round(10 * numbers.normal()) / 10;
    return made;
  };
  const { d_model: m } = LAYER;
  const x = matrix(TOKENS, m);
  const weights = Object.fromEntries(["query", "key", "value", "output"].map((name) => [name, matrix(m, m)]));
  const wrong = MISTAKES.map((mistake) => ({ mistake, pass: withMistake(mistake.name, x, weights, LAYER) }));
  return { x, weights, pass: forward(x, weights, LAYER), wrong };
}

/** {ok, words, mistakes} of a text that a person pasted for a step. mistakes: the bugs that give exactly these numbers. */
export function judge(step, text, { pass, wrong }) {
  const [, title, names] = STEPS.find(([name]) => name === step);
  let found;
  try {
    found = withoutBatch(numbersOf(text));
  } catch (error) {
    return { ok: false, words: error.message, mistakes: [] };
  }
  const allowed = allowedAt(found.digits);
  if (fits(found, pass, names, allowed)) return { ok: true, words: `These are the right ${title}.`, mistakes: [] };
  if (fits(swapped(found), pass, names, allowed)) {
    return { ok: true, words: `The right numbers, with tokens before heads. Before queries meet keys, heads come first: ${shapeWords(pass[names[0]].shape)}.`, mistakes: [] };
  }
  const guilty = wrong.filter((one) => fits(found, one.pass, names, allowed) || fits(swapped(found), one.pass, names, allowed)).map(({ mistake }) => mistake);
  if (guilty.length) return { ok: false, words: guilty.map(({ title: name, line, right }) => `This is what you get with: ${name.toLowerCase()}, as in ${line} where ${right} is due.`).join(" "), mistakes: guilty.map(({ name }) => name) };
  return { ok: false, words: differs(found, pass, names, allowed), mistakes: [] };
}

/** Whether the numbers are those of a pass, under one of the step's names. */
function fits(found, pass, names, allowed) {
  return names.some((name) => String(found.shape) === String(pass[name].shape) && firstApart(found.values, pass[name], allowed) < 0);
}

/** Three axes with the first two swapped; others as they are. */
function swapped(found) {
  if (found.shape.length !== 3) return found;
  const [a, b, c] = found.shape;
  const values = Array.from({ length: found.values.length }, (_, i) => {
    const [first, second, third] = [Math.floor(i / (a * c)), Math.floor(i / c) % a, i % c];
    return found.values[(second * b + first) * c + third];
  });
  return { ...found, values, shape: [b, a, c] };
}

const shapeWords = (shape) => `(${shape.join(", ")})`;

function differs({ values, shape }, pass, names, allowed) {
  const name = names.find((own) => String(pass[own].shape) === String(shape));
  if (!name) return `Your shape is ${shapeWords(shape)}; ${names.map((own) => shapeWords(pass[own].shape)).join(" or ")} is due.`;
  const expected = pass[name];
  const at = firstApart(values, expected, allowed);
  const place = expected.shape.map((_, axis) => Math.floor(at / expected.shape.slice(axis + 1).reduce((all, one) => all * one, 1)) % expected.shape[axis]);
  const count = expected.reduce((sum, __, i) => sum + (firstApart([values[i]], [expected[i]], allowed) < 0 ? 0 : 1), 0);
  return `${count} of ${expected.length} numbers differ, and no bug of this lesson gives these. The first at [${place.join(", ")}]: yours ${written(values[at])}, right ${written(expected[at])}.`;
}

function written(value) {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? String(Number(value.toFixed(4))).replace("-", "−") : value < 0 ? "−∞" : "∞";
}
