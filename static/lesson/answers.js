/**
 * Check questions by their names, whichever topic has them: what is given, and the answer computed from it. Each topic's
 * file exports `answers`: {name: (random) => ({given, answer, tolerance})}.
 */

const version = new URL(import.meta.url).search;
const { random } = await import(`../local/random.js${version}`);

/** The files of `answers/`, in the order of the lessons. */
export const TOPICS = [
  "why", "vectors", "scores", "softmax", "values", "masks", "heads", "output", "positions", "cost", "building", "testing", "interview", "stack",
];

let loading = null;

/** All questions: a Map from name to {topic, make}. Throws where two topics have one name, or a topic cannot be loaded. */
export function questions() {
  loading ??= Promise.all(TOPICS.map((topic) => import(`./answers/${topic}.js${version}`))).then(merged);
  loading.catch(() => { loading = null; });
  return loading;
}

function merged(modules) {
  const found = new Map();
  modules.forEach(({ answers }, at) => {
    for (const [name, make] of Object.entries(answers)) {
      if (found.has(name)) throw new Error(`Two topics have a question “${name}”: ${found.get(name).topic} and ${TOPICS[at]}.`);
      found.set(name, { topic: TOPICS[at], make });
    }
  });
  return found;
}

/** One question with the numbers of a seed: {given, answer, tolerance}. */
export async function asked(name, seed) {
  const found = (await questions()).get(name);
  if (!found) throw new Error(`There is no question “${name}” in any topic of static/lesson/answers.`);
  const made = found.make(random(seed));
  return { tolerance: 0.01, ...made };
}
