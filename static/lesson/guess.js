/**
 * Predict, then see: a person says what they expect before the figure shows its result. What they said stays beside what
 * was true then, and the sentence below follows the figure. Only this browser knows of it.
 */

const version = new URL(import.meta.url).search;
const [{ ui }, { elements, plain }, { shown }] = await Promise.all(["../headlight", "./tree", "./words"].map((name) => import(`${name}.js${version}`)));

const TOKENS = "tokens";
// Beyond so many tokens they stand in a list.
const MANY = 40;
// How far off, of the whole range, a number may be and is right, or close.
const [RIGHT, CLOSE] = [0.05, 0.15];
const SIGNS = { right: "✓", close: "≈", wrong: "✗", unsaid: "" };
const NAMES = { right: "Right", close: "Close", wrong: "Not so", unsaid: "" };
const EXAMPLE = 0.123;

/**
 * {root, isOpen(), reveal(), stop()} of a guess block about a figure. place: {lesson, step}. isShown: reveal it at once.
 * hold(whether): keep back what tells the result, or no longer; whoever has `isOpen` of a new one begins with that.
 */
export function guessOf(app, block, figure, { place, isShown = false, hold = () => {} }) {
  const kept = () => app.progress.lesson(place.lesson).guesses[place.step] ?? null;
  const state = { open: true, tokens: "", buttons: new Map(), slider: null, words: {}, waiting: null };
  const options = ui.make("div", { class: "options", role: "group" });
  const verdict = ui.make("div", { class: "verdict", "aria-live": "polite", tabIndex: -1 });
  const ghost = ui.make("div", { class: "verdict ghost", "aria-hidden": "true" });
  const show = button("Show it without a guess", () => reveal(null), "plain");
  const again = button("Guess again", reset, "plain");
  const notYet = ui.make("p", { class: "not-yet", role: "status", tabIndex: -1 });
  const ask = ui.make("p", { class: "ask" });
  const awaited = ui.make("p", { class: "awaited" }, "What is true will stand here.");
  const before = ui.make("div", { class: "before" }, awaited, show, notYet);
  const root = ui.make("div", { class: "guess", role: "group", "aria-label": "Your guess" }, ui.make("div", { class: "label-line" }, ui.make("span", { class: "label" }, "Your guess"), again),
    ask, options, ui.make("div", { class: "verdicts" }, ghost, before, verdict));
  const isNumber = !block.options?.length;
  const isTokens = block.options?.[0] === TOKENS && block.options.length === 1;
  options.setAttribute("aria-label", plain(block.ask));

  /** The name of an answer, as a person reads it. */
  function named(value) {
    if (value === null || value === undefined) return "…";
    if (isNumber) return shown(value);
    return isTokens ? `“${value}”` : `“${plain(block.options[value] ?? "…")}”`;
  }

  const truth = () => figure.facts()[block.answer];

  function judged(said, real) {
    if (said === null) return "unsaid";
    if (!isNumber) return said === real ? "right" : "wrong";
    const off = Math.abs(said - real) / (block.high - block.low || 1);
    return off <= RIGHT ? "right" : off <= CLOSE ? "close" : "wrong";
  }

  /** A person said it, or wants to see it unsaid. The keyboard, whose button is closed now, comes to what is true. */
  function reveal(said) {
    const hadFocus = root.contains(root.getRootNode().activeElement);
    const now = truth();
    if (now === undefined) {
      wait(said);
      if (hadFocus) notYet.focus({ preventScroll: true });
      return;
    }
    state.waiting = null;
    notYet.textContent = "";
    app.progress.guess(place.lesson, place.step, { said, truth: now });
    open({ said, truth: now });
    if (hadFocus) verdict.focus({ preventScroll: true });
  }

  /** Some figures know what is true only once they have run: what was said is kept till then, and they may be used. */
  function wait(said) {
    state.waiting = { said };
    press(said);
    show.hidden = awaited.hidden = true;
    figure.cover(false);
    hold(false);
    notYet.textContent = `${said === null ? "" : `You said ${named(said)}. `}What is true will stand here as soon as the figure knows it.`;
  }

  function open(guess) {
    state.open = false;
    figure.cover(false);
    hold(false);
    root.classList.add("is-said");
    press(guess.said);
    const line = ui.make("p", { class: `said ${judged(guess.said, guess.truth)}` }, ...sentence(guess));
    const after = ui.make("p", { class: "after" });
    const since = ui.make("p", { class: "since" });
    verdict.replaceChildren(line, after, since);
    state.words = { guess, after, since };
    show.hidden = true;
    again.hidden = isShown;
    follow();
  }

  function sentence({ said, truth: real }) {
    if (said === null) return ["It is ", ui.make("strong", {}, ...elements(named(real))), "."];
    const how = judged(said, real);
    const sign = ui.make("span", { class: "sign" }, `${SIGNS[how]} ${NAMES[how]}: `);
    if (how === "right" && !isNumber) return [sign, "you said ", ui.make("strong", {}, ...elements(named(said))), ", and so it is."];
    return [sign, "you said ", ui.make("strong", {}, ...elements(named(said))), "; it is ", ui.make("strong", {}, ...elements(named(real))), "."];
  }

  function press(said) {
    for (const [value, element] of state.buttons) {
      element.setAttribute("aria-pressed", String(value === said));
      element.disabled = true;
    }
    if (state.slider) {
      if (said !== null) state.slider.set(said);
      state.slider.disable(true);
    }
  }

  /** What the figure says now, which may not be what it said then. */
  function follow() {
    fillTokens();
    if (state.waiting && truth() !== undefined) return reveal(state.waiting.said);
    if (state.open) return;
    const { guess, after, since } = state.words;
    after.replaceChildren(...elements(block.after, { facts: figure.facts(), link: app.link(place.lesson) }));
    const here = truth();
    const differs = here !== undefined && (isNumber ? Math.abs(here - guess.truth) > 0.005 * Math.max(Math.abs(here), Math.abs(guess.truth)) : here !== guess.truth);
    since.textContent = differs ? `That was then: as the figure stands now, it is ${named(here)}.` : "";
  }

  function reset() {
    app.progress.guess(place.lesson, place.step, null);
    Object.assign(state, { open: true, waiting: null });
    notYet.textContent = "";
    root.classList.remove("is-said");
    verdict.replaceChildren();
    show.hidden = awaited.hidden = false;
    again.hidden = true;
    for (const element of state.buttons.values()) Object.assign(element, { disabled: false, ariaPressed: "false" });
    state.slider?.disable(false);
    figure.cover(true);
    hold(true);
    (state.buttons.values().next().value ?? options.querySelector("input, select"))?.focus();
  }

  function build() {
    ask.replaceChildren(...elements(block.ask, { link: app.link(place.lesson) }));
    if (isNumber) numberField();
    else if (!isTokens) choices(block.options.map((option, at) => [at, ...elements(option)]));
    const longest = isTokens ? "a token" : isNumber ? "0.123" : block.options.map(plain).sort((a, b) => b.length - a.length)[0];
    const example = plain(block.after).replace(/\{\w+\}/g, String(EXAMPLE));
    ghost.append(ui.make("p", { class: "said" }, `✗ Not so: you said “${longest}”; it is “${longest}”.`), ui.make("p", { class: "after" }, example), ui.make("p", { class: "since" }));
  }

  function choices(list) {
    state.buttons = new Map(list.map(([value, ...words]) => [value, Object.assign(button(words, () => state.open && reveal(value)), { ariaPressed: "false" })]));
    options.replaceChildren(...state.buttons.values());
  }

  function numberField() {
    const { low, high } = block;
    const isWhole = Number.isInteger(low) && Number.isInteger(high) && high - low >= 50;
    const step = isWhole ? 1 : (high - low) / 100;
    const input = ui.make("input", { type: "range", min: String(low), max: String(high), step: String(step), value: String(isWhole ? Math.round((low + high) / 2) : (low + high) / 2), "aria-label": plain(block.ask) });
    const says = ui.make("output", {}, shown(Number(input.value)));
    const take = button("That is my guess", () => reveal(Number(input.value)));
    input.addEventListener("input", () => { says.textContent = shown(Number(input.value)); });
    state.slider = {
      set(value) {
        input.value = String(value);
        says.textContent = shown(value);
      },
      disable(on) { input.disabled = take.disabled = on; },
    };
    options.replaceChildren(ui.make("span", { class: "end" }, shown(low)), input, ui.make("span", { class: "end" }, shown(high)), says, take);
  }

  /** The figure's tokens, once they are known. */
  function fillTokens() {
    if (!isTokens) return;
    const names = figure.tokens();
    const key = names.join("\n");
    if (!names.length || key === state.tokens) return;
    state.tokens = key;
    if (names.length > MANY) manyTokens(names);
    else choices(names.map((name) => [name, name]));
    if (!state.open) press(state.words.guess.said);
  }

  function manyTokens(names) {
    const select = ui.make("select", { "aria-label": plain(block.ask) }, ui.make("option", { value: "" }, "choose a token"), ...names.map((name) => ui.make("option", { value: name }, name)));
    select.addEventListener("change", () => state.open && select.value && reveal(select.value));
    state.buttons = new Map();
    options.replaceChildren(select);
  }

  build();
  const stop = figure.listen(follow);
  const earlier = kept();
  if (isShown) {
    show.hidden = again.hidden = true;
    options.hidden = true;
    const once = figure.listen(() => {
      const now = truth();
      if (now === undefined) return;
      once();
      open({ said: earlier?.said ?? null, truth: now });
    });
  } else if (earlier) open(earlier);
  else {
    again.hidden = true;
    figure.cover(true);
  }
  fillTokens();
  return { root, isOpen: () => state.open && !state.waiting, reveal: () => reveal(null), stop };
}

function button(words, act, kind = "") {
  const made = ui.make("button", { type: "button", class: kind }, ...[words].flat());
  made.addEventListener("click", act);
  return made;
}

