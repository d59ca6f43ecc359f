/** For teachers: a printed worked example, and worksheets with their keys. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, choices, field, line, toggle }, sheet, { MOST, TOKENS, worksheets }] = await Promise.all(
  ["../headlight", "../draw/inputs", "./sheet", "./worksheet"].map((name) => import(`${name}.js${version}`)));

/** {root, draw()}. state() is the page's present state; draw() brings it into what is shown of it. */
export function aids(state) {
  const example = exampleBox(state);
  return { root: ui.make("section", { class: "aids", "aria-label": "To print" }, ui.make("h2", {}, "To print"), example.root, worksheetBox()), draw: example.draw };
}

/** A place on the page for what can be printed, and the button that shows and hides it: {view, shown, draw()}; nodes() makes it anew. */
function viewOf(label, words, nodes) {
  const view = ui.make("div", { class: "paper", hidden: true, tabIndex: 0, role: "region", "aria-label": label });
  const draw = () => view.hidden || view.replaceChildren(...nodes());
  const show = button(words, () => {
    view.hidden = !view.hidden;
    show.textContent = view.hidden ? words : "Hide";
    draw();
  });
  return { view, show, draw };
}

function exampleBox(state) {
  const own = { width: sheet.WIDTHS[0] };
  const nodes = () => sheet.exampleNodes(sheet.exampleState(state(), own.width));
  const { view, show, draw } = viewOf("The worked example", "Show it here", nodes);
  const width = choices({ label: "d_model", options: sheet.WIDTHS.map((one) => [one, String(one)]), value: own.width, change: (value) => {
    own.width = value;
    draw();
  } });
  const print = button("Print the worked example", () => sheet.printed("A worked example", nodes()));
  const root = ui.make("div", { class: "aid" }, ui.make("h3", {}, "A worked example with all its numbers"),
    ui.make("p", {}, `The first ${sheet.MOST_TOKENS} tokens of your sentence through two heads, small enough to follow every number with a pencil.`), line(width, print, show), view);
  return { root, draw };
}

function worksheetBox() {
  const own = { students: 20, first: 1, tokens: TOKENS[0], causal: false };
  const problem = ui.make("p", { class: "problem", role: "alert" });
  const nodes = () => {
    problem.textContent = "";
    try {
      return sheet.worksheetNodes(worksheets(own));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problem.textContent = error.message;
      return [];
    }
  };
  const { view, show, draw } = viewOf("The worksheets", "Show them here", nodes);
  const take = (name) => (value) => {
    own[name] = value;
    draw();
  };
  const print = button("Print the worksheets", () => {
    const made = nodes();
    if (made.length) sheet.printed("Worksheets", made);
  });
  return ui.make("div", { class: "aid" }, ui.make("h3", {}, "Worksheets, one for each student, with their keys"),
    ui.make("p", {}, "Each student has a seed and numbers of their own; the same seed makes the same sheet again. The keys follow on pages of their own."),
    line(field({ label: "students", value: own.students, low: 1, high: MOST.students, step: 1, change: take("students") }), field({ label: "first seed", value: own.first, low: 0, high: MOST.seed, step: 1, change: take("first") }),
      choices({ label: "tokens", options: TOKENS.map((one) => [one, String(one)]), value: own.tokens, change: take("tokens") }), toggle({ label: "causal mask", value: own.causal, change: take("causal") })),
    line(print, show), problem, view);
}
