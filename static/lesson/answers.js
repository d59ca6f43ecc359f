/**
 * Check questions by their names, whichever topic has them: what is given, and the answer computed from it. Each topic's
 * file exports `answers`: {name: (random) => ({given, answer, tolerance})}.
 */

const version = new URL(import.meta.url).search;
const { random } = await import(`../local/random.js${version}`);

/** The files of `answers/`, in the order of the lessons. */
export const TOPICS = [
  "why", "vectors", "scores", "softmax", "values", "masks", "heads", "output", "positions", "cost", "building", "testing", "interview", "stack", "induction",
];

let loading = null;

/**
 * All questions: {found: a Map from name to {topic, make}, failed: what could not be loaded, in words}, for one topic's fault
 * takes no other's questions away. Rejects where two topics have one name.
 */
export function questions() {
  loading ??= Promise.allSettled(TOPICS.map((topic) => import(`./answers/${topic}.js${version}`))).then(merged);
  return loading;
}

function merged(loaded) {
  const found = new Map();
  const failed = [];
  loaded.forEach(({ value, reason }, at) => {
    if (reason) failed.push(`${TOPICS[at]}: ${reason.message}`);
    for (const [name, make] of Object.entries(value?.answers ?? {})) {
      if (found.has(name)) throw new Error(`Two topics have a question “${name}”: ${found.get(name).topic} and ${TOPICS[at]}.`);
      found.set(name, { topic: TOPICS[at], make });
    }
  });
  return { found, failed };
}

/** One question with the numbers of a seed: {given, answer, tolerance}. */
export async function asked(name, seed) {
  const { found, failed } = await questions();
  const own = found.get(name);
  if (!own) throw new Error(["there is no such question", name, ...failed].join("; "));
  return { tolerance: 0.01, ...own.make(random(seed)) };
}
