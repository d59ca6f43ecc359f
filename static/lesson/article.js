/**
 * All lessons as one article: contents first, figures that are mounted when they come near the view, guesses shown, the
 * questions' answers in an appendix and the sources, numbered, at the end. Printing mounts every figure first.
 */

const version = new URL(import.meta.url).search;
const [{ ui }, { written }, { stepOf }, { elements }] = await Promise.all(["../headlight", "./question", "./step", "./tree"].map((name) => import(`${name}.js${version}`)));

const NEAR = "600px 0px";
// As long as runs of models and trainings may take on a machine with much else to do.
const PATIENCE_MS = 150_000;
const LOOK_MS = 100;

/** {root, figures, draw(), stop()} of the whole article. */
export function articleOf(app) {
  const { lessons } = app.data();
  const made = { steps: [], questions: [] };
  const said = ui.make("span", { role: "status", class: "print-said" });
  const printer = ui.make("button", { type: "button" }, "Print, or save as PDF");
  const link = (name) => (href) => inArticle(lessons, name, href);
  const inside = { ...app, link };
  const parts = lessons.map((lesson, at) => lessonOf(inside, lesson, at + 1, made, link(lesson.name)));
  const head = ui.make("header", { class: "top" }, ui.make("p", { class: "where" }, app.anchor({}, "All lessons")),
    ui.make("h1", {}, "Multi-head self-attention, built and understood"),
    ui.make("p", { class: "lead" }, "All lessons in one piece. Figures are live while you read; guesses are shown, and the answers of the questions stand at the end."),
    ui.make("p", { class: "print-line" }, printer, said));
  const appendix = ui.make("section", { class: "appendix" }, ui.make("h2", { id: "answers", tabIndex: -1 }, "Answers"), ui.make("ol", { class: "answers" }, ...made.questions.map(({ answer }) => answer)));
  const root = ui.make("article", { class: "article" }, head, contents(lessons), ...parts, appendix);
  // What the questions say may name sources too.
  Promise.all(made.questions.map(({ done }) => done)).then(() => root.append(sourcesOf(root, app.data().sources ?? {})));
  root.addEventListener("click", (event) => jump(root, event));
  const figures = made.steps.map(({ figure }) => figure).filter(Boolean);
  const watch = lazily(figures);
  printer.addEventListener("click", () => printed(app, figures, printer, said));
  return {
    root, figures,
    draw: () => figures.forEach((figure) => figure.ready && figure.draw()),
    arrive: () => figures.forEach((figure) => figure.arrive()),
    stop() {
      watch.disconnect();
      made.steps.forEach((step) => step.stop());
    },
  };
}

function contents(lessons) {
  const entry = (id, words) => ui.make("a", { href: `#${id}` }, words);
  return ui.make("nav", { class: "article-contents", "aria-label": "Contents" }, ui.make("h2", {}, "Contents"),
    ui.make("ol", {}, ...lessons.map((lesson) => ui.make("li", {}, entry(lesson.name, lesson.title),
      ui.make("ul", {}, ...lesson.steps.map((step) => ui.make("li", {}, entry(`${lesson.name}--${step.anchor}`, step.title))))))),
    ui.make("p", {}, entry("answers", "Answers"), " · ", entry("sources", "Sources")));
}

function lessonOf(app, lesson, number, made, link) {
  const ask = (block) => questionIn(made, block, link);
  const steps = lesson.steps.map((step) => stepOf(app, lesson, step, { level: 3, isPrinted: true, ask }));
  made.steps.push(...steps);
  return ui.make("section", { class: "lesson-part" }, ui.make("h2", { id: lesson.name, tabIndex: -1 }, `${number}. `, ...elements(lesson.title)),
    ui.make("p", { class: "about" }, lesson.about), ...steps.map((step) => step.root));
}

/** A question in its lesson; its answer is made beside it and stands in the appendix. */
function questionIn(made, block, link) {
  const number = made.questions.length + 1;
  const asks = ui.make("div", { class: "question printed", id: `question-${number}`, tabIndex: -1 }, ui.make("p", { class: "ask" }, ui.make("strong", {}, `Question ${number}. `)));
  const answer = ui.make("li", { id: `answer-${number}`, value: number });
  const done = written(block, link).then(({ ask, options, answer: words, why }) => {
    asks.firstChild.append(...ask);
    if (options.length) asks.append(ui.make("ul", {}, ...options.map((option) => ui.make("li", {}, option))));
    answer.append(ui.make("strong", {}, `${words}.`), " ", ...why);
  }).catch((error) => asks.append(ui.make("p", { class: "problem" }, `This question cannot be asked: ${error.message}`)));
  made.questions.push({ answer, done });
  return asks;
}

/** A link of a lesson's words, within the article. */
function inArticle(lessons, here, href) {
  if (/^https?:\/\//.test(href)) return { href, isOutside: true };
  const [name, anchor] = href.split("#");
  const lesson = lessons.find((one) => one.name === (name || here));
  if (!lesson) return null;
  return { href: `#${anchor ? `${lesson.name}--${anchor}` : lesson.name}`, act: null };
}

/** A place inside a shadow root is gone to by hand; the address keeps its own hash. */
function jump(root, event) {
  const link = event.target.closest("a[href^='#']");
  const target = link && root.querySelector(`#${CSS.escape(link.getAttribute("href").slice(1))}`);
  if (!target || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "start" });
}

/** External links, each with one number wherever it stands, and their list. told: {address: what it leads to}, else the link's own words. */
function sourcesOf(root, told) {
  const found = new Map();
  for (const anchor of root.querySelectorAll("a[target=_blank]:not(.inspect)")) {
    const { href } = anchor;
    if (!found.has(href)) found.set(href, { number: found.size + 1, words: told[href] ?? anchor.textContent });
    anchor.after(ui.make("sup", { class: "source" }, `[${found.get(href).number}]`));
  }
  return ui.make("section", { class: "sources" }, ui.make("h2", { id: "sources", tabIndex: -1 }, "Sources"),
    ui.make("ol", {}, ...[...found].map(([href, { words }]) => ui.make("li", {}, words, ": ", ui.make("a", { href, target: "_blank", rel: "noopener noreferrer" }, href)))));
}

function lazily(figures) {
  const byRoot = new Map(figures.map((figure) => [figure.root, figure]));
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      watch.unobserve(target);
      byRoot.get(target).start();
    }
    // The page scrolls inside an element of its own, whose margin is another one.
  }, { rootMargin: NEAR, scrollMargin: NEAR });
  for (const root of byRoot.keys()) watch.observe(root);
  return watch;
}

/** Mount every figure, train and measure what waits for a press, wait for all numbers, and print, on light paper. */
async function printed(app, figures, printer, said) {
  printer.disabled = true;
  const isHere = (figure) => figure.ready && !figure.isWaiting();
  await Promise.all(figures.map((figure) => figure.start()));
  figures.forEach((figure) => figure.prepare());
  const end = performance.now() + PATIENCE_MS;
  while (figures.some((figure) => !isHere(figure)) && performance.now() < end) {
    said.textContent = `${figures.filter(isHere).length} of ${figures.length} figures are here.`;
    await rest(LOOK_MS);
  }
  app.onPaper(true);
  addEventListener("afterprint", () => app.onPaper(false), { once: true });
  await rest(LOOK_MS);
  said.textContent = "";
  printer.disabled = false;
  globalThis.print();
}

const rest = (time) => new Promise((resolve) => { setTimeout(resolve, time); });
