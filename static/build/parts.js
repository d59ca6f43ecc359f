/** The steps on the page: each a card with its sentence, matrices, formula, code and pictures, and the list that leads to them. */

const version = new URL(import.meta.url).search;
const [{ ui }, { editor }, { imageButtons }, { STEPS }, { SAYS }] = await Promise.all(
  ["../headlight", "./editor", "./picture", "./steps", "./words"].map((name) => import(`${name}.js${version}`)));

const NEAR = "200px 0px";
const EDITED = { project: ["query", "key", "value"], output: ["output"], scores: ["scores"] };

/** All steps: {root, list, draw(now), code(excerpts)}. kit: {pin, cell, choose, edit, lift}. */
export function parts(kit) {
  const cards = STEPS.map((step, at) => card(kit, step, at));
  const list = ui.make("ol", { class: "list" }, ...cards.map((own) => ui.make("li", {}, own.entry)));
  const root = ui.make("div", { class: "cards" }, ...cards.map((own) => own.root));
  watch(cards);
  const later = { timer: 0, cards: [] };
  return {
    root, list, draw: (now) => drawAll(cards, later, now),
    code: (excerpts) => cards.forEach((own) => fillCode(own, excerpts[own.step.name] ?? [])),
  };
}

function card(kit, step, at) {
  const { nodes, draw } = step.build(kit);
  const own = {
    step, draw, now: null, drawn: null, isNear: false, said: ui.make("p", { class: "said" }), formula: ui.make("div", { class: "formula" }), code: ui.make("div", { class: "code" }), figure: ui.make("div", { class: "figure" }, ...nodes),
    editor: step.editable ? editor(kit, step.editable, EDITED[step.name]) : null, entry: ui.make("button", { type: "button" }, ui.make("span", { class: "count" }, String(at + 1)), step.short),
  };
  const title = ui.make("h2", { tabIndex: -1 }, ui.make("span", { class: "count" }, String(at + 1)), step.title);
  const images = imageButtons(step.title, () => ({
    heading: step.title, name: step.name, figure: own.figure, palette: own.now.palette, lines: [own.said, ...own.formula.children].map((line) => line.textContent),
  }));
  own.root = ui.make("article", { class: `step ${step.name}`, "aria-label": step.title }, ui.make("header", {}, title, images), own.said, own.figure, own.editor?.root ?? null, own.formula, own.code);
  own.entry.addEventListener("click", () => {
    own.root.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    title.focus({ preventScroll: true });
  });
  return own;
}

/** All words at once, and the matrices in sight; those further away follow one step at a time, so that a slider does not wait for them. */
function drawAll(cards, later, now) {
  clearTimeout(later.timer);
  for (const own of cards) drawWords(own, now);
  const isNow = (own) => own.isNear || !own.drawn;
  cards.filter(isNow).forEach(drawMatrices);
  later.cards = cards.filter((own) => own.drawn !== own.now);
  const next = () => {
    const own = later.cards.shift();
    if (!own) return;
    drawMatrices(own);
    later.timer = setTimeout(next);
  };
  later.timer = setTimeout(next);
}

function drawWords(own, now) {
  own.now = now;
  const { plain, formula } = SAYS[own.step.name];
  own.said.textContent = plain(now);
  own.formula.replaceChildren(...formula(now).map((line) => ui.make("p", {}, line)));
  own.editor?.draw(now);
}

function drawMatrices(own) {
  own.draw(own.now);
  own.drawn = own.now;
}

/** The lines of the real code, with their file and number. */
function fillCode(own, excerpts) {
  own.code.replaceChildren(...excerpts.map(({ file, line, text }) => ui.make("div", { class: "excerpt" }, ui.make("span", { class: "where" }, `${file}, line ${line}`),
    ui.make("pre", { tabIndex: 0, role: "region", "aria-label": `${file}, from line ${line}` }, ui.make("code", {}, text)))));
}

/** The list says which step is in sight. */
function watch(cards) {
  const seen = new Map();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) seen.set(target, isIntersecting);
    const first = cards.find((own) => seen.get(own.root));
    for (const own of cards) own.entry.setAttribute("aria-current", own === first ? "step" : "false");
  }, { rootMargin: "-15% 0px -45% 0px" });
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) cards.find((own) => own.root === target).isNear = isIntersecting;
  }, { rootMargin: NEAR });
  cards.forEach((own) => [observer, near].forEach((one) => one.observe(own.root)));
}
