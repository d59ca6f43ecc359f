/**
 * Lessons: a step at a time with its live figure, guesses before results, and check questions. The server knows which lesson
 * is open and the person's sentence, for models are run for it; steps, guesses, answers and progress stay in this browser.
 * The parts lie in `static/lesson`.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const own = ["address", "article", "contents", "marks", "presenter", "progress", "step", "top"];
const [{ start }, { placeOf, queryOf, targetOf }, { articleOf }, { contentsOf }, { marksOf }, { presenting }, { progressOf }, { stepOf }, { topOf }] = await Promise.all(
  ["headlight", ...own.map((name) => `lesson/${name}`)].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
// While one presents, nothing of the page around the lesson is seen, and what is printed is on white (`assets/page.css`).
const PRESENTING = "hl-presenting";
const ON_PAPER = "hl-on-paper";
const KEYS = "← → steps, P presents";
const FORWARD = ["ArrowRight", "PageDown", " "];
const BACK = ["ArrowLeft", "PageUp"];
// What of a figure's block follows the person's sentence; it makes no other lesson.
const OF_THE_SENTENCE = ["inspect", "takes"];
// How far a page may be from its end and is at it.
const AT_END = 8;

function build(parent) {
  const root = ui.make("div", { class: "lessons-root" });
  parent.append(root);
  const state = { root, path: location.pathname, data: null, bytes: null, place: placeOf(location.search), sentence: "", progress: progressOf(), send: () => {}, told: "", key: "", view: null, step: null, talk: null, palette: null, stops: null };
  state.app = appOf(state);
  return state;
}

/** What the parts of a lesson know and may ask for. */
function appOf(state) {
  const withText = (place) => ({ text: state.sentence, ...place });
  const href = (place, search = location.search) => `${base(state)}/learn${queryOf(withText(place), search)}`;
  const app = {
    data: () => state.data, palette: () => state.palette, sentence: () => state.sentence, place: () => state.place, progress: state.progress,
    base: () => base(state),
    component: (name) => shared(`component/${name}`).then((module) => module.default),
    linkTo: (place) => `${location.origin}${href(place, "")}`,
    /** A link to a place of the lessons, which is gone to without loading the page. */
    anchor(place, ...children) {
      const made = ui.make("a", { href: href(place) }, ...children);
      made.addEventListener("click", (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(state, place);
      });
      return made;
    },
    /** Where the links in a lesson's words lead. */
    link: (lesson) => (address) => {
      const target = targetOf(address, lesson);
      if (!target) return null;
      if (target.url) return { href: target.url, isOutside: true };
      return { href: href(target), act: () => go(state, target) };
    },
    /** The state of a step's figure on the inspect page, "" for none: as the server knows it, with what changed since, {field: text}. */
    inspected({ lesson, step }, changes) {
      const found = [state.data.lesson, ...(state.data.lessons ?? [])].find((one) => one?.name === lesson);
      const query = new URLSearchParams(found?.steps.find(({ anchor }) => anchor === step)?.blocks.find(({ type }) => type === "figure")?.inspect ?? "");
      for (const [field, text] of Object.entries(changes)) {
        const key = state.data.keys[field] ?? field;
        if (text === "") query.delete(key);
        else query.set(key, text);
      }
      return String(query);
    },
    titleOf(lesson, anchor) {
      const found = state.data.contents.find(({ name }) => name === lesson);
      return found?.steps.find((step) => step.anchor === anchor)?.title ?? found?.title ?? lesson;
    },
    present: (on) => present(state, on),
    onPaper: (on) => onPaper(state, on),
    setSentence: (text) => setSentence(state, text),
    forget() {
      state.progress.forget();
      marksOf().forget();
      if (state.sentence) setSentence(state, "");
    },
  };
  return app;
}

const base = ({ data }) => data?.base ?? HEADLIGHT.base;

// Where one is

/** Go somewhere by a person's own step: an entry in the browser's history. */
function go(state, { lesson = "", step = "", article = false }, { line = "first" } = {}) {
  state.place = { ...state.place, lesson: article ? "" : lesson, step, article, text: state.sentence, presents: state.place.presents && Boolean(lesson) };
  publish(state, "pushState");
  tell(state);
  show(state, { moved: true, line });
}

function publish(state, how) {
  const next = `${location.pathname}${queryOf(state.place, location.search)}${location.hash}`;
  if (next !== `${location.pathname}${location.search}${location.hash}`) history[how](history.state, "", next);
}

/** Tell the server which lesson is open and what the person's sentence is; nothing else of a lesson is ever told. */
function tell(state) {
  const said = { lesson: state.place.lesson, text: state.sentence, article: state.place.article };
  const key = JSON.stringify(said);
  if (key === state.told) return;
  state.told = key;
  state.send("place", said);
}

/** The browser's Back or Forward; on another page it means nothing here. */
function returned(state) {
  if (location.pathname !== state.path) return;
  state.place = placeOf(location.search);
  if (state.place.text !== state.sentence) {
    state.sentence = state.place.text;
    redraw(state);
  }
  tell(state);
  show(state, { moved: true });
}

function setSentence(state, text) {
  state.sentence = text;
  state.progress.setSentence(text);
  state.place.text = text;
  publish(state, "replaceState");
  tell(state);
  state.view?.follow?.();
  redraw(state);
}

// What is shown

/** {kind: "contents", "article" or "lesson", …}, or null where it is on its way. */
function wanted({ place, data }) {
  if (place.article) return data.article && data.lessons ? { kind: "article", lessons: data.lessons } : null;
  if (!data.contents.some(({ name }) => name === place.lesson)) return { kind: "contents" };
  return data.lesson?.name === place.lesson ? { kind: "lesson", lesson: data.lesson } : null;
}

/** Bring on the page what the place says. moved: by a person's step, so that the keyboard comes along. */
function show(state, { moved = false, line = "first" } = {}) {
  const view = wanted(state);
  state.root.setAttribute("aria-busy", String(!view));
  state.root.classList.toggle("busy", !view);
  state.arrives = view ? null : { moved, line };
  if (!view) return;
  const key = JSON.stringify([view.kind, view.lesson ?? view.lessons ?? state.data.contents], (name, value) => (OF_THE_SENTENCE.includes(name) ? undefined : value));
  const isOther = key !== state.key || (view.kind === "contents" && moved);
  if (isOther) {
    takeDown(state);
    state.key = key;
    state.view = { contents: listView, article: articleView, lesson: lessonView }[view.kind](state, view);
    state.root.replaceChildren(state.view.root);
  }
  if (view.kind === "lesson") stepView(state, view.lesson, line);
  else leaveStage(state);
  if (moved) bring(state, isOther);
}

function listView(state) {
  return { kind: "contents", root: contentsOf(state.app) };
}

function articleView(state) {
  return { kind: "article", ...articleOf(state.app) };
}

function lessonView(state, { lesson }) {
  const top = topOf(state.app, lesson);
  const holder = ui.make("div", { class: "stage" });
  const back = ui.make("button", { type: "button", class: "back" });
  const next = ui.make("button", { type: "button", class: "next" });
  const leave = ui.make("button", { type: "button", class: "plain leave", title: "Leave (Esc)" }, "Leave");
  const place = ui.make("span", { class: "counted" });
  back.addEventListener("click", () => move(state, -1));
  next.addEventListener("click", () => move(state, 1));
  leave.addEventListener("click", () => present(state, false));
  const foot = ui.make("nav", { class: "foot", "aria-label": "Steps" }, back, place, leave, next);
  return { kind: "lesson", lesson, top, stage: holder, back, next, place, follow: top.follow, root: ui.make("div", { class: "lesson-page" }, top.root, holder, foot) };
}

/** The step of the place, in the place of the one before. */
function stepView(state, lesson, line) {
  const step = lesson.steps.find(({ anchor }) => anchor === state.place.step) ?? lesson.steps[0];
  state.place.step = step.anchor;
  publish(state, "replaceState");
  if (state.step?.place.step !== step.anchor || state.step.place.lesson !== lesson.name) {
    state.talk = null;
    state.step?.stop();
    state.step = stepOf(state.app, lesson, step);
    state.view.stage.replaceChildren(state.step.root);
    state.step.figure?.start();
  }
  state.progress.see(lesson.name, step.anchor);
  state.view.follow();
  stage(state, line);
  label(state, lesson, step);
}

/** What Back and Next say. */
function label({ view, data, place }, lesson, step) {
  const at = lesson.steps.indexOf(step);
  const next = lesson.steps[at + 1];
  const after = data.contents[data.contents.findIndex(({ name }) => name === lesson.name) + 1];
  const words = (sign, kind, title) => [ui.make("span", { class: "arrow", "aria-hidden": "true" }, sign), ui.make("span", {}, ui.make("span", { class: "kind" }, kind), ui.make("span", { class: "title" }, title))];
  view.back.disabled = at === 0 && !place.presents;
  view.back.replaceChildren(...words("←", "Back", lesson.steps[at - 1]?.title ?? ""));
  view.next.replaceChildren(...words("→", next ? "Next" : after ? "Next lesson" : "Done", next?.title ?? after?.title ?? "All lessons"));
}

/** A step onward or back; beyond the last one comes the next lesson. */
function move(state, by) {
  if (state.place.presents && state.talk?.[by > 0 ? "next" : "back"]()) {
    count(state);
    return;
  }
  const { lesson } = state.view;
  const at = lesson.steps.findIndex(({ anchor }) => anchor === state.place.step) + by;
  if (at < 0) return;
  const line = by < 0 ? "last" : "first";
  if (at < lesson.steps.length) {
    go(state, { lesson: lesson.name, step: lesson.steps[at].anchor }, { line });
    return;
  }
  const { contents } = state.data;
  go(state, { lesson: contents[contents.findIndex(({ name }) => name === lesson.name) + 1]?.name ?? "" });
}

/** The keyboard and the view come along to what is new. */
function bring(state, isOther) {
  const title = state.view.kind === "lesson" ? state.step.title : state.root.querySelector("h1");
  if (title && !title.hasAttribute("tabindex")) title.tabIndex = -1;
  title?.focus({ preventScroll: true });
  const target = isOther || state.view.kind !== "lesson" ? state.root : state.view.stage;
  const { top } = target.getBoundingClientRect();
  if (isOther || top < 0 || top > innerHeight / 2) target.scrollIntoView({ block: "start" });
}

/** In another theme, or with another sentence. */
function redraw(state) {
  state.step?.figure?.draw();
  state.view?.draw?.();
}

/** What is printed is drawn on light paper, whatever the screen shows. */
function onPaper(state, on) {
  if (on) state.root.style.setProperty("--st-background-color", HEADLIGHT.palettes.light.paper);
  else state.root.style.removeProperty("--st-background-color");
  document.documentElement.classList.toggle(ON_PAPER, on);
  state.palette = ui.applyTheme(state.root);
  redraw(state);
}

// Presenting

function present(state, on) {
  if (state.view?.kind !== "lesson") return;
  state.place.presents = on;
  publish(state, "replaceState");
  stepView(state, state.view.lesson, "first");
  if (on) state.view.next.focus();
}

/** Large type and one line at a time, or all of the step. */
function stage(state, line) {
  const on = state.place.presents;
  state.root.classList.toggle("presenting", on);
  document.documentElement.classList.toggle(PRESENTING, on);
  if (!on) {
    state.talk?.stop();
    state.talk = null;
    state.view.place.textContent = KEYS;
    return;
  }
  if (!state.talk) {
    state.talk = presenting(state.step.root, state.step);
    state.talk.show(line === "last" ? state.talk.count - 1 : 0);
  }
  count(state);
}

/** How far one has come, as only who presents needs to know. */
function count({ view, step, place }) {
  const { lesson } = view;
  const at = lesson.steps.findIndex(({ anchor }) => anchor === place.step) + 1;
  view.place.textContent = `Step ${at} of ${lesson.steps.length}, line ${step.root.dataset.line}`;
}

function leaveStage(state) {
  state.root.classList.remove("presenting");
  document.documentElement.classList.remove(PRESENTING);
}

// Keys

/** Before the figures' own keys: what one of them has the focus in is left to it. */
function keyed(state, event) {
  if (state.view?.kind !== "lesson" || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || ui.typing() || document.querySelector("[role=dialog]")) return;
  const act = actOf(state, event);
  if (!act) return;
  event.preventDefault();
  act();
}

function actOf(state, event) {
  const { presents } = state.place;
  const path = event.composedPath();
  const isInFigure = path.some((one) => one.classList?.contains("figure-body"));
  if (presents && event.key === "Escape") return () => present(state, false);
  if (event.shiftKey) return null;
  if (event.key.toLowerCase() === "p" && !isInFigure) return () => present(state, !presents);
  const by = FORWARD.includes(event.key) ? 1 : BACK.includes(event.key) ? -1 : 0;
  if (!by) return null;
  if (event.key.startsWith("Page")) return presents || isAtEnd(state, by) ? () => move(state, by) : null;
  if (isInFigure) return null;
  if (event.key === " ") return presents && !path[0].closest?.("button, a, summary, input") ? () => move(state, by) : null;
  return () => move(state, by);
}

/** Whether there is nothing more to scroll to in that direction. */
function isAtEnd({ root }, by) {
  const { top, bottom } = root.getBoundingClientRect();
  return by > 0 ? bottom <= innerHeight + AT_END : top >= -AT_END;
}

// From and to Streamlit

function take(state, data) {
  const isFirst = state.data === null;
  state.data = data;
  if (isFirst) begin(state);
  const before = state.arrives ?? {};
  show(state, before);
  if (!isFirst) {
    state.step?.figure?.arrive();
    state.view?.arrive?.();
  }
}

/** What the address says goes before what the server knows, and that before what this browser has kept. */
function begin(state) {
  const { data, place, progress } = state;
  state.sentence = place.text || data.sentence || progress.sentence();
  if (!place.lesson && !place.article) Object.assign(place, { lesson: data.lesson?.name ?? "", article: Boolean(data.article) });
  place.text = state.sentence;
  state.told = JSON.stringify({ lesson: data.lesson?.name ?? "", text: data.sentence, article: Boolean(data.article) });
  publish(state, "replaceState");
  tell(state);
}

function connect(state) {
  const outside = new AbortController();
  document.addEventListener("keydown", (event) => keyed(state, event), { capture: true, signal: outside.signal });
  addEventListener("popstate", () => returned(state), { signal: outside.signal });
  return () => outside.abort();
}

function takeDown(state) {
  state.step?.stop();
  state.view?.stop?.();
  Object.assign(state, { step: null, view: null, talk: null, key: "" });
}

/** Streamlit may take a component down and bring it back at once; what is really gone is let go of. */
function disconnect(state) {
  state.stops?.();
  state.stops = null;
  setTimeout(() => {
    if (state.root.isConnected) return;
    leaveStage(state);
    takeDown(state);
    state.bytes = null;
  });
}

export default function ({ data, parentElement, setStateValue }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  const isOther = state.palette !== null && state.palette.name !== palette.name;
  Object.assign(state, { palette, send: setStateValue });
  state.stops ??= connect(state);
  if (state.bytes !== data) {
    state.bytes = data;
    take(state, ui.parse(data));
  }
  if (isOther) redraw(state);
  const call = state.call = Symbol("call");
  return () => {
    if (state.call === call) disconnect(state);
  };
}
