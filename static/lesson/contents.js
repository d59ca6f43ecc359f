/** The list of lessons: what each is about, how long it takes, how far this browser's person is, and where to begin. */

const version = new URL(import.meta.url).search;
const [{ ui }, { howFar }, { sentenceField }, { elements }, { count }] = await Promise.all(
  ["../headlight", "./progress", "./top", "./tree", "./words"].map((name) => import(`${name}.js${version}`)));

// The lesson of this name, without its number, is offered on its own.
const MINUTE = /^\d*-?minute$/;

/** The page of all lessons. */
export function contentsOf(app) {
  const { contents } = app.data();
  const minutes = contents.reduce((sum, { minutes: own }) => sum + own, 0);
  const root = ui.make("div", { class: "contents" },
    ui.make("header", { class: "top" }, ui.make("h1", {}, "Learn multi-head self-attention"),
      ui.make("p", { class: "lead" }, "Short lessons in which everything is live: say what you expect, then see it computed. No knowledge of neural networks is needed for the first one."),
      ui.make("p", { class: "where" }, ui.make("span", {}, count(contents.length, "lesson")), ui.make("span", {}, `about ${hours(minutes)} in all`))),
    ui.make("div", { class: "ways" }, begin(app, contents), more(app, contents)),
    ui.make("ol", { class: "lessons" }, ...contents.map((lesson, at) => card(app, lesson, at))), foot(app));
  return root;
}

const hours = (minutes) => (minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1).replace(/\.0$/, "")} hours`);

/** The one thing to do first: the first lesson, or where one was last. */
function begin(app, contents) {
  if (!contents.length) return ui.make("p", { class: "problem" }, "There are no lessons here.");
  const last = contents.find(({ name }) => name === app.progress.last());
  const { last: anchor } = last ? app.progress.lesson(last.name) : {};
  const step = last?.steps.find((own) => own.anchor === anchor);
  const words = (what, title) => [ui.make("span", {}, ui.make("strong", {}, what), " ", ui.make("span", { class: "title" }, title)),
    ui.make("span", { class: "arrow", "aria-hidden": "true" }, "→")];
  const link = step ? app.anchor({ lesson: last.name, step: anchor }, ...words("Go on", `${last.title}: ${step.title}`))
    : app.anchor({ lesson: contents[0].name }, ...words("Start with the first lesson", contents[0].title));
  link.classList.add("begin");
  return link;
}

function card(app, lesson, at) {
  const far = howFar(app.progress, lesson);
  const link = app.anchor({ lesson: lesson.name }, ...elements(lesson.title));
  const isDone = far.seen === far.steps && far.right === far.questions;
  const parts = [`${lesson.minutes} min`, far.seen ? `${far.seen} of ${count(far.steps, "step")} seen` : count(far.steps, "step")];
  if (far.questions) parts.push(far.right ? `${far.right} of ${count(far.questions, "question")} right` : count(far.questions, "question"));
  const stroke = ui.make("span", { class: "stroke", "aria-hidden": "true" }, ui.make("span", {}));
  stroke.hidden = !far.seen;
  stroke.firstChild.style.width = `${(100 * far.seen) / Math.max(1, far.steps)}%`;
  return ui.make("li", { class: `lesson${isDone ? " done" : ""}` }, ui.make("span", { class: "number", "aria-hidden": "true" }, String(at + 1)),
    ui.make("div", {}, ui.make("h2", {}, link), ui.make("p", { class: "about" }, lesson.about),
      ui.make("p", { class: "far" }, ...(isDone ? [ui.make("span", { class: "right" }, "✓ done")] : []), ...parts.map((part) => ui.make("span", {}, part))), stroke));
}

function more(app, contents) {
  const minute = contents.find(({ name }) => MINUTE.test(name));
  return ui.make("p", { class: "more" }, minute ? app.anchor({ lesson: minute.name }, minute.title) : null, app.anchor({ article: true }, "All as one article, to read or print"));
}

function foot(app) {
  const forget = ui.make("button", { type: "button", class: "plain" }, "Forget my progress");
  const said = ui.make("span", { role: "status" });
  forget.hidden = app.progress.isEmpty();
  forget.addEventListener("click", () => {
    app.forget();
    said.textContent = "Forgotten.";
    forget.hidden = true;
  });
  return ui.make("footer", { class: "contents-foot" }, sentenceField(app).root,
    ui.make("p", {}, "What you see, guess and answer is kept in this browser alone, and nothing of it is sent. ", forget, said));
}
