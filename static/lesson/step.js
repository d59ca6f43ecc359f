/**
 * One step of a lesson: its title, its words, what to guess, the live figure, and what to try. The guess stands right before
 * the figure wherever the file has it: on a narrow page the figure is long, and on a wide one both stand beside the words.
 */

const version = new URL(import.meta.url).search;
const names = ["../headlight", "./figure", "./guess", "./question", "./tools", "./tree"];
const [{ ui }, { figureOf }, { guessOf }, { questionOf }, { linkButton }, { elements }] = await Promise.all(
  names.map((name) => import(`${name}.js${version}`)));

/**
 * {root, title, figure, guess, stop()} of a step. level: that of its heading. isPrinted: in the article, where guesses are
 * shown and questions have their answers elsewhere: then `ask(block)` makes a question.
 */
export function stepOf(app, lesson, step, { level = 2, isPrinted = false, ask = null } = {}) {
  const place = { lesson: lesson.name, step: step.anchor, title: step.title };
  const link = app.link(lesson.name);
  const title = ui.make(`h${level}`, { id: isPrinted ? `${lesson.name}--${step.anchor}` : step.anchor, tabIndex: -1 }, ...elements(step.title));
  const block = step.blocks.find(({ type }) => type === "figure") ?? null;
  const figure = block && figureOf(app, block, place);
  let number = 0;
  let guess = null;
  const make = {
    prose: ({ tree }) => ui.make("div", { class: "prose" }, ...elements(tree, { link })),
    figure: () => {
      const asked = step.blocks.find(({ type }) => type === "guess");
      guess = asked ? guessOf(app, asked, figure, { place, isShown: isPrinted }) : null;
      return ui.make("div", { class: "seen" }, guess?.root ?? null, figure.root);
    },
    try: ({ tree }) => ui.make("div", { class: "try", role: "group", "aria-label": "Try it" }, ui.make("span", { class: "label" }, "Try it"), ui.make("div", { class: "prose" }, ...elements(tree, { link }))),
    question: (own) => {
      number += 1;
      return ask ? ask(own) : questionOf(app, own, { place, number }).root;
    },
  };
  const parts = step.blocks.filter(({ type }) => type !== "guess").map((own) => make[own.type](own));
  const root = ui.make("section", { class: `step${figure ? " has-figure" : ""}` }, title, ...parts);
  if (!figure && !isPrinted) root.append(ui.make("div", { class: "tools alone" }, linkButton(app, place)));
  return {
    root, title, figure, guess, place,
    stop() {
      guess?.stop();
      figure?.stop();
    },
  };
}
