/** What stands above a step: where one is, the lesson's title, its steps as a line, and the person's own sentence. */

const version = new URL(import.meta.url).search;
const [{ ui }, { elements }] = await Promise.all(["../headlight", "./tree"].map((name) => import(`${name}.js${version}`)));

const EMPTY = "type one for the figures to take";

/** {root, follow(), stop()}: the lesson's head. */
export function topOf(app, lesson) {
  const { contents } = app.data();
  const at = contents.findIndex(({ name }) => name === lesson.name);
  const links = lesson.steps.map((step, index) => stepLink(app, lesson, step, index));
  const said = ui.make("span");
  const where = ui.make("p", { class: "where" }, app.anchor({}, "All lessons"), ui.make("span", {}, at < 0 ? "" : `Lesson ${at + 1} of ${contents.length}`),
    said, ui.make("span", { class: "minutes" }, `about ${lesson.minutes} min`), presentButton(app));
  const line = ui.make("nav", { class: "line", "aria-label": "Steps of this lesson" }, ui.make("ol", {}, ...links.map((link) => ui.make("li", {}, link))));
  const sentence = sentenceField(app);
  const root = ui.make("header", { class: "top lesson-top" }, where, ui.make("h1", {}, ...elements(lesson.title)), line, sentence.root);
  return {
    root,
    /** Another step is on show, or the sentence changed. */
    follow() {
      const here = app.place().step;
      const { seen } = app.progress.lesson(lesson.name);
      lesson.steps.forEach((step, index) => {
        const isHere = step.anchor === here;
        links[index].classList.toggle("seen", seen.includes(step.anchor));
        if (isHere) links[index].setAttribute("aria-current", "step");
        else links[index].removeAttribute("aria-current");
        links[index].setAttribute("aria-label", `Step ${index + 1}: ${step.title}${seen.includes(step.anchor) && !isHere ? ", seen" : ""}`);
        if (isHere) said.textContent = `Step ${index + 1} of ${lesson.steps.length}`;
      });
      sentence.follow();
    },
  };
}

function stepLink(app, lesson, step, index) {
  const made = app.anchor({ lesson: lesson.name, step: step.anchor }, ui.make("span", { class: "stroke" }));
  made.title = `${index + 1}. ${step.title}`;
  return made;
}

function presentButton(app) {
  const made = ui.make("button", { type: "button", class: "plain present", title: "Large type, one line at a time (P)", "aria-keyshortcuts": "p" }, "Present");
  made.addEventListener("click", () => app.present(true));
  return made;
}

/** {root, follow()}: the field for the person's own sentence, which is used when Enter is pressed or the field is left. */
export function sentenceField(app) {
  const most = app.data().most_sentence;
  const input = ui.make("input", { type: "text", maxLength: most, spellcheck: false, autocomplete: "off", placeholder: EMPTY, value: app.sentence() });
  const use = ui.make("button", { type: "submit" }, "Use it");
  const clear = ui.make("button", { type: "button", class: "plain" }, "Clear");
  const note = ui.make("span", { class: "note", role: "status" });
  const label = ui.make("label", {}, ui.make("span", { class: "label" }, "Your sentence"), input);
  const root = ui.make("form", { class: "own-sentence" }, label, use, clear, note);
  const isNew = () => input.value.trim() !== app.sentence();
  const follow = () => {
    use.hidden = !isNew();
    clear.hidden = !app.sentence() || isNew();
    note.textContent = input.value.length >= most ? `${most} characters are all that there may be` : "";
  };
  const take = () => {
    if (isNew()) app.setSentence(input.value.trim());
    follow();
  };
  input.addEventListener("input", follow);
  input.addEventListener("change", take);
  clear.addEventListener("click", () => {
    input.value = "";
    take();
    input.focus();
  });
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    take();
  });
  follow();
  return {
    root,
    follow() {
      if (!root.contains(root.getRootNode().activeElement)) input.value = app.sentence();
      follow();
    },
  };
}
