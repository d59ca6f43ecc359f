/**
 * A check question: its numbers and its answer are computed here from a seed, and another seed asks anew. What was answered
 * is kept in this browser alone.
 */

const version = new URL(import.meta.url).search;
const [{ ui }, { asked }, { elements }, { holds, readings }, { shown }] = await Promise.all(
  ["../headlight", "./answers", "./tree", "./typed", "./words"].map((name) => import(`${name}.js${version}`)));

const FIRST_SEED = 1;
const DIGITS = 6;
const ANSWER_DIGITS = 4;
const NO_NUMBER = "Type a number, such as 0.5, 1/2 or 50 %.";
const NO_CHOICE = "Choose one of them first.";

/** {root} of a question block. place: {lesson}; number: its place among the lesson's questions. */
export function questionOf(app, block, { place, number }) {
  const kept = app.progress.lesson(place.lesson).marks[block.name] ?? null;
  const state = { seed: kept?.seed ?? FIRST_SEED, made: null, field: null, turn: 0 };
  const form = ui.make("form", { class: "question" });
  const title = ui.make("h3", {}, `Question ${number}`);
  const body = ui.make("div", { class: "question-body" });
  const result = ui.make("div", { class: "result", "aria-live": "polite" });
  form.append(title, body, result);
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });

  async function load(said = null) {
    state.turn += 1;
    const { turn } = state;
    try {
      const made = await asked(block.name, state.seed);
      if (turn !== state.turn) return;
      state.made = made;
      write();
      if (said !== null) {
        state.field.set(said);
        judge(state.field.read());
      }
    } catch (error) {
      body.replaceChildren(ui.make("p", { class: "problem", role: "alert" }, `This question cannot be asked: ${error.message}`));
    }
  }

  const givens = () => Object.fromEntries(Object.entries(state.made.given).map(([name, value]) => [name, typeof value === "number" ? shown(value, DIGITS) : value]));
  const link = app.link(place.lesson);

  function write() {
    const words = elements(block.ask, { facts: givens(), link });
    state.field = block.options?.length ? choice(block.options.map((option) => elements(option, { facts: givens() }))) : typed();
    const submit = ui.make("button", { type: "submit" }, "Check");
    const another = ui.make("button", { type: "button", class: "plain" }, "Another one");
    another.addEventListener("click", () => {
      state.seed += 1;
      result.replaceChildren();
      load().then(() => form.querySelector("input")?.focus());
    });
    const ask = ui.make("p", { class: "ask" }, ...words);
    body.replaceChildren(ask, ui.make("div", { class: "answer-line" }, state.field.root, ui.make("div", { class: "buttons" }, submit, another)));
    title.replaceChildren(`Question ${number}`, ui.make("span", { class: "mark" }));
    showMark();
  }

  function showMark() {
    const mark = app.progress.lesson(place.lesson).marks[block.name];
    const own = title.querySelector(".mark");
    if (own) own.textContent = mark?.everRight ? " ✓ answered" : "";
  }

  function typed() {
    const input = ui.make("input", { type: "text", inputMode: "decimal", autocomplete: "off", spellcheck: false, "aria-label": "Your answer, a number" });
    return { root: input, read: () => ({ said: input.value, numbers: readings(input.value) }), set: (value) => { input.value = value; } };
  }

  function choice(options) {
    const name = `${block.name}-${number}-${state.turn}`;
    const inputs = options.map((_, at) => ui.make("input", { type: "radio", name, value: String(at) }));
    const labels = options.map((words, at) => ui.make("label", {}, inputs[at], ui.make("span", {}, ...words)));
    const root = ui.make("div", { class: "choices", role: "radiogroup", "aria-label": "Your answer" }, ...labels);
    const read = () => {
      const at = inputs.findIndex((input) => input.checked);
      return { said: String(at), numbers: at < 0 ? [] : [at] };
    };
    return { root, read, set: (value) => { if (inputs[Number(value)]) inputs[Number(value)].checked = true; } };
  }

  function check() {
    const given = state.field?.read();
    if (!given) return;
    if (!given.numbers.length) {
      result.replaceChildren(ui.make("p", { class: "hint" }, block.options?.length ? NO_CHOICE : NO_NUMBER));
      return;
    }
    const isRight = judge(given);
    const before = app.progress.lesson(place.lesson).marks[block.name];
    app.progress.mark(place.lesson, block.name, {
      seed: state.seed, said: given.said, right: isRight, everRight: isRight || Boolean(before?.everRight), tries: (before?.tries ?? 0) + 1,
    });
    showMark();
    app.marked?.();
  }

  /** Say whether it is right, and why. */
  function judge({ numbers }) {
    const { answer, tolerance } = state.made;
    const isRight = block.options?.length ? numbers[0] === answer : numbers.some((value) => holds(value, answer, tolerance));
    const facts = { ...givens(), answer: answerWords(block, state.made, givens()) };
    const verdict = ui.make("p", { class: isRight ? "right" : "wrong" }, ui.make("strong", {}, isRight ? "✓ Right." : "✗ Not yet."));
    const why = ui.make("p", { class: "why" }, ...elements(block.why, { facts, link }));
    result.replaceChildren(verdict, why, whereShown());
    return isRight;
  }

  function whereShown() {
    const [lesson, anchor] = block.step;
    const found = link(lesson === place.lesson ? `#${anchor}` : `${lesson}#${anchor}`);
    const made = ui.make("a", { href: found.href }, app.titleOf(lesson, anchor));
    made.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      found.act();
    });
    return ui.make("p", { class: "shown-in" }, "Where it is shown: ", made);
  }

  load(kept?.said ?? null);
  return { root: form };
}

/** An answer in words: the right option, or the number. */
export function answerWords(block, { answer }, givens) {
  if (block.options?.length) return plainWith(block.options[answer] ?? "", givens);
  // What ends after a few digits is written whole.
  return shown(answer, Number(answer.toPrecision(DIGITS)) === answer ? DIGITS : ANSWER_DIGITS);
}

/** The nodes of a question with a seed's numbers, and of its explanation, for print: {ask, options, answer, why}. */
export async function written(block, link, seed = FIRST_SEED) {
  const made = await asked(block.name, seed);
  const givens = Object.fromEntries(Object.entries(made.given).map(([name, value]) => [name, typeof value === "number" ? shown(value, DIGITS) : value]));
  const answer = answerWords(block, made, givens);
  return {
    ask: elements(block.ask, { facts: givens, link }), options: (block.options ?? []).map((option) => plainWith(option, givens)),
    answer, why: elements(block.why, { facts: { ...givens, answer }, link }),
  };
}

const plainWith = (option, facts) => elements(option, { facts }).map((node) => (typeof node === "string" ? node : node.textContent)).join("");
