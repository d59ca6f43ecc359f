/**
 * Two heads of one query, trained together by plain gradient descent on what a teacher of two heads answers. A head is a
 * vector that scores the places and one that reads them: y = Σ_heads Σ_places softmax(x·score)·(x·read).
 */

const version = new URL(import.meta.url).search;
const { random } = await import(`../local/random.js${version}`);

const [PLACES, WIDTH, TEXTS, RATE] = [6, 4, 48, 0.05];

/**
 * {apart: distance of the two heads' weights after each step, losses}; step 0 is the start. one, other: the seeds that
 * the heads are drawn from; with one and the same they start as copies. task: the seed of texts and teacher.
 */
export function trained(one, other, steps, task) {
  const numbers = random(task + 500_000);
  const texts = Array.from({ length: TEXTS }, () => Array.from({ length: PLACES }, () => drawn(numbers)));
  const teacher = [headOf(numbers, 2), headOf(numbers, 2)];
  const answers = texts.map((text) => answerOf(teacher, text));
  const heads = [headOf(random(one), 1), headOf(random(other), 1)];
  const apart = [distance(heads)];
  const losses = [lossOf(heads, texts, answers)];
  for (let step = 0; step < steps; step++) {
    descend(heads, texts, answers);
    apart.push(distance(heads));
    losses.push(lossOf(heads, texts, answers));
  }
  return { apart, losses };
}

const drawn = (numbers, size = 1) => Float64Array.from({ length: WIDTH }, () => size * numbers.normal());
const headOf = (numbers, size) => ({ score: drawn(numbers, size), read: drawn(numbers, size / 2) });
const dot = (one, other) => one.reduce((sum, value, i) => sum + value * other[i], 0);

/** A head's weights over the places, what it reads at each, and their weighted sum. */
function looked({ score, read }, text) {
  const scores = text.map((x) => dot(x, score));
  const top = Math.max(...scores);
  const parts = scores.map((value) => Math.exp(value - top));
  const total = parts.reduce((sum, part) => sum + part, 0);
  const weights = parts.map((part) => part / total);
  const values = text.map((x) => dot(x, read));
  return { weights, values, mixed: weights.reduce((sum, weight, j) => sum + weight * values[j], 0) };
}

const answerOf = (heads, text) => heads.reduce((sum, head) => sum + looked(head, text).mixed, 0);

function lossOf(heads, texts, answers) {
  return texts.reduce((sum, text, i) => sum + (answerOf(heads, text) - answers[i]) ** 2, 0) / (2 * texts.length);
}

/** One step, all texts at once. */
function descend(heads, texts, answers) {
  const moves = heads.map(() => ({ score: new Float64Array(WIDTH), read: new Float64Array(WIDTH) }));
  texts.forEach((text, i) => {
    const error = (answerOf(heads, text) - answers[i]) / texts.length;
    heads.forEach((head, at) => addGradient(moves[at], head, text, error));
  });
  heads.forEach((head, at) => {
    for (let i = 0; i < WIDTH; i++) {
      head.score[i] -= RATE * moves[at].score[i];
      head.read[i] -= RATE * moves[at].read[i];
    }
  });
}

/** ∂y/∂read = Σ weight·x, and ∂y/∂score = Σ weight·(value − mixed)·x. */
function addGradient(move, head, text, error) {
  const { weights, values, mixed } = looked(head, text);
  text.forEach((x, j) => {
    for (let i = 0; i < WIDTH; i++) {
      move.read[i] += error * weights[j] * x[i];
      move.score[i] += error * weights[j] * (values[j] - mixed) * x[i];
    }
  });
}

function distance([one, other]) {
  const squares = (name) => one[name].reduce((sum, value, i) => sum + (value - other[name][i]) ** 2, 0);
  return Math.sqrt(squares("score") + squares("read"));
}
