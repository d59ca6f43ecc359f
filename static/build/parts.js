/** The steps on the page: each a card with its sentence, matrices, formula, code and pictures, and the list that leads to them. */

const version = new URL(import.meta.url).search;
const [{ ui }, { editor }, { imageButtons }, { STEPS }, { SAYS }] = await Promise.all(
  ["../headlight", "./editor", "./picture", "./steps", "./words"].map((name) => import(`${name}.js${version}`)));

const NEAR = "200px 0px";
// How long a turn may keep the page from drawing what is in sight.
const TURN_MS = 12;

/** All steps: {root, list, draw(now, before), code(excerpts)}, before as of `comparison`. kit: {pin, cell, choose, edit, lift}. */
export function parts(kit) {
  const cards = STEPS.map((step, at) => card(kit, step, at));
  const list = ui.make("ol", { class: "list" }, ...cards.map((own) => ui.make("li", {}, own.entry)));
  const root = ui.make("div", { class: "cards" }, ...cards.map((own) => own.root));
  watch(cards, list);
  const later = { timer: 0, cards: [] };
  return {
    root, list, draw: (now, before) => drawAll(cards, later, now, before),
    code: (excerpts) => cards.forEach((own) => {
      Object.assign(own, { excerpts, codeOf: "" });
      drawCode(own);
    }),
  };
}

function card(kit, step, at) {
  const { nodes, draw } = step.build(kit);
  const own = {
    step, draw, now: null, drawn: null, isNear: false, said: ui.make("p", { class: "said" }), formula: ui.make("div", { class: "formula" }), code: ui.make("div", { class: "code" }), figure: ui.make("div", { class: "figure" }, ...nodes),
    editor: step.editable ? editor(kit, step.name) : null, entry: ui.make("button", { type: "button" }, ui.make("span", { class: "count" }, String(at + 1)), step.short),
  };
  const title = ui.make("h2", { tabIndex: -1 }, ui.make("span", { class: "count" }, String(at + 1)), step.title);
  const images = imageButtons(step.title, () => ({
    heading: step.title, name: step.name, figure: own.figure, palette: own.now.palette, lines: [own.said, ...own.formula.children].map((line) => line.textContent),
  }));
  own.root = ui.make("article", { class: `step ${step.name}`, "aria-label": step.title }, ui.make("header", {}, title, ui.make("span", { class: "ways" }, lessonLink(step), images)), own.said, own.figure, own.editor?.root ?? null, own.formula, own.code);
  own.entry.addEventListener("click", () => {
    own.root.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    title.focus({ preventScroll: true });
  });
  return own;
}

/** The way to the lesson that teaches a step, where there are lessons. */
function lessonLink({ title, lesson }) {
  const base = ui.lessons();
  if (!base) return null;
  const [name, step] = lesson.split("#");
  return ui.make("a", { href: `${base}?lesson=${name}&step=${step}`, "aria-label": `Lesson ${parseInt(name, 10)} teaches “${title}”` }, `Lesson ${parseInt(name, 10)}`);
}

/** All words at once, and the matrices in sight; those further away follow in short turns, so that a slider does not wait for them. */
function drawAll(cards, later, now, before) {
  clearTimeout(later.timer);
  for (const own of cards) drawWords(own, now, before);
  const isNow = (own) => own.isNear || !own.drawn;
  cards.filter(isNow).forEach(drawMatrices);
  later.cards = cards.filter((own) => own.drawn !== own.now);
  const next = () => {
    const began = performance.now();
    while (later.cards.length && performance.now() - began < TURN_MS) drawMatrices(later.cards.shift());
    if (later.cards.length) later.timer = setTimeout(next);
  };
  later.timer = setTimeout(next);
}

function drawWords(own, now, before) {
  own.now = now;
  const { plain, formula } = SAYS[own.step.name];
  own.said.textContent = plain(now);
  own.formula.replaceChildren(...formula(now).map((line) => ui.make("p", {}, line)));
  own.editor?.draw(now, before);
  drawCode(own);
}

function drawMatrices(own) {
  own.draw(own.now);
  own.drawn = own.now;
}

/** The lines that make what is shown: where a head is made by hand, its vectors have lines of their own. */
function drawCode(own) {
  if (!own.excerpts || !own.now) return;
  const { name } = own.step;
  const kind = !own.now.dims ? name : own.now.before ? `${name}.later` : `${name}.hand`;
  const found = own.excerpts[kind] ? kind : name;
  if (found === own.codeOf) return;
  own.codeOf = found;
  fillCode(own, own.excerpts[found] ?? []);
}

/** The lines of the real code, with their file and number. */
function fillCode(own, excerpts) {
  own.code.replaceChildren(...excerpts.map(({ file, line, text }) => ui.make("div", { class: "excerpt" }, ui.make("span", { class: "where" }, `${file}, line ${line}`),
    ui.make("pre", { tabIndex: 0, role: "region", "aria-label": `${file}, from line ${line}` }, ui.make("code", {}, text)))));
}

/** The list says which step is in sight, and where it is a strip, brings it there. */
function watch(cards, list) {
  const seen = new Map();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) seen.set(target, isIntersecting);
    const first = cards.find((own) => seen.get(own.root));
    for (const own of cards) own.entry.setAttribute("aria-current", own === first ? "step" : "false");
    if (first) bring(first.entry, list);
  }, { rootMargin: "-15% 0px -45% 0px" });
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) cards.find((own) => own.root === target).isNear = isIntersecting;
  }, { rootMargin: NEAR });
  cards.forEach((own) => [observer, near].forEach((one) => one.observe(own.root)));
}

/** Scroll a strip sideways, and nothing else, until an entry stands in its middle. */
function bring(entry, list) {
  if (list.scrollWidth <= list.clientWidth) return;
  const [own, whole] = [entry.getBoundingClientRect(), list.getBoundingClientRect()];
  list.scrollLeft += own.left + own.width / 2 - (whole.left + whole.width / 2);
}
