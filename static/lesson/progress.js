/**
 * What a person has seen, guessed and answered, and their own sentence: in this browser alone. Where the browser keeps
 * nothing, it holds as long as the page is open.
 */

const version = new URL(import.meta.url).search;
const { keptUnder } = await import(`./kept.js${version}`);

const KEY = "headlight.lessons";
const VERSION = 1;
const empty = () => ({ version: VERSION, sentence: "", lessons: {} });

/** The progress of this browser. */
export function progressOf() {
  const kept = keptUnder(KEY);
  let state = sound(kept.read());
  const save = () => kept.write(state);

  /** What is known of a lesson: {seen: anchors, last: anchor, guesses: {anchor: …}, marks: {question: …}}. */
  function lesson(name) {
    state.lessons[name] ??= {};
    const own = state.lessons[name];
    own.seen ??= [];
    own.guesses ??= {};
    own.marks ??= {};
    return own;
  }

  return {
    lesson,
    sentence: () => state.sentence,
    setSentence(text) {
      state.sentence = text;
      save();
    },
    see(name, anchor) {
      const own = lesson(name);
      if (!own.seen.includes(anchor)) own.seen.push(anchor);
      own.last = anchor;
      state.last = name;
      save();
    },
    /** The lesson that was open last, or "". */
    last: () => state.last ?? "",
    guess(name, anchor, guess) {
      const { guesses } = lesson(name);
      if (guess) guesses[anchor] = guess;
      else delete guesses[anchor];
      save();
    },
    mark(name, question, mark) {
      lesson(name).marks[question] = mark;
      save();
    },
    /** Whether there is anything to forget. */
    isEmpty: () => !state.sentence && Object.values(state.lessons).every(({ seen = [], marks = {}, guesses = {} }) => !seen.length && !Object.keys({ ...marks, ...guesses }).length),
    forget() {
      state = empty();
      kept.remove();
    },
  };
}

/** {seen, steps, right, questions} of a lesson of the contents: how many of each. */
export function howFar(progress, { name, steps }) {
  const { seen, marks } = progress.lesson(name);
  const questions = steps.flatMap((step) => step.questions);
  return {
    seen: steps.filter(({ anchor }) => seen.includes(anchor)).length, steps: steps.length,
    right: questions.filter((question) => marks[question]?.everRight).length, questions: questions.length,
  };
}

/** What was kept, if it is of this version and has the form that is written here. */
function sound(found) {
  const fits = found?.version === VERSION && typeof found.sentence === "string" && isRecord(found.lessons) && Object.values(found.lessons).every(isLesson);
  return fits ? found : empty();
}

const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isLesson = (own) => isRecord(own) && Array.isArray(own.seen ?? []) && isRecord(own.guesses ?? {}) && isRecord(own.marks ?? {});
