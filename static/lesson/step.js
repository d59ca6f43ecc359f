/**
 * One step of a lesson: its title, its words, what to guess, the live figure, and what to try. The guess stands right before
 * the figure wherever the file has it: on a narrow page the figure is long, and on a wide one both stand beside the words.
 * What the file says after the guess explains the result, and so it waits for it as the figure does.
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
  const later = [];
  const hold = (whether) => later.forEach((part) => part.classList.toggle("held", whether && !isPrinted));
  const asks = step.blocks.findIndex(({ type }) => type === "guess");
  const make = {
    prose: ({ tree }) => ui.make("div", { class: "prose" }, ...elements(tree, { link })),
    figure: () => {
      guess = asks < 0 ? null : guessOf(app, step.blocks[asks], figure, { place, isShown: isPrinted, hold });
      return ui.make("div", { class: "seen" }, guess?.root ?? null, figure.root);
    },
    try: ({ tree }) => ui.make("div", { class: "try", role: "group", "aria-label": "Try it" }, ui.make("span", { class: "label" }, "Try it"), ui.make("div", { class: "prose" }, ...elements(tree, { link }))),
    question: (own) => {
      number += 1;
      return ask ? ask(own) : questionOf(app, own, { place, number }).root;
    },
  };
  const parts = step.blocks.flatMap((own, at) => {
    if (own.type === "guess") return [];
    const part = make[own.type](own);
    if (asks >= 0 && at > asks && own.type !== "figure") later.push(part);
    return [part];
  });
  hold(Boolean(guess?.isOpen()));
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
