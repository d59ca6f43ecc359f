/** For teachers: a printed worked example, and worksheets with their keys. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, choices, field, line, toggle }, sheet, { MOST, TOKENS, worksheets }] = await Promise.all(
  ["../headlight", "../draw/inputs", "./sheet", "./worksheet"].map((name) => import(`${name}.js${version}`)));

/** {root}. state() is the page's present state. */
export function aids(state) {
  return { root: ui.make("section", { class: "aids", "aria-label": "To print" }, ui.make("h2", {}, "To print"), exampleBox(state), worksheetBox()) };
}

function exampleBox(state) {
  const own = { width: sheet.WIDTHS[0] };
  const width = choices({ label: "d_model", options: sheet.WIDTHS.map((one) => [one, String(one)]), value: own.width, change: (value) => { own.width = value; } });
  const view = ui.make("div", { class: "paper", hidden: true, tabIndex: 0, role: "region", "aria-label": "The worked example" });
  const nodes = () => sheet.exampleNodes(sheet.exampleState(state(), own.width));
  const show = button("Show it here", () => {
    view.hidden = false;
    view.replaceChildren(...nodes());
  });
  const print = button("Print the worked example", () => sheet.printed("A worked example", nodes()));
  return ui.make("div", { class: "aid" }, ui.make("h3", {}, "A worked example with all its numbers"),
    ui.make("p", {}, `The first ${sheet.MOST_TOKENS} tokens of your sentence through two heads, small enough to follow every number with a pencil.`), line(width, print, show), view);
}

function worksheetBox() {
  const own = { students: 20, first: 1, tokens: TOKENS[0], causal: false };
  const problem = ui.make("p", { class: "problem", role: "alert" });
  const view = ui.make("div", { class: "paper", hidden: true, tabIndex: 0, role: "region", "aria-label": "The worksheets" });
  const take = (name) => (value) => { own[name] = value; };
  const attempt = (use) => () => {
    problem.textContent = "";
    try {
      use(sheet.worksheetNodes(worksheets(own)));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problem.textContent = error.message;
    }
  };
  const show = attempt((nodes) => {
    view.hidden = false;
    view.replaceChildren(...nodes);
  });
  return ui.make("div", { class: "aid" }, ui.make("h3", {}, "Worksheets, one for each student, with their keys"),
    ui.make("p", {}, "Each student has a seed and numbers of their own; the same seed makes the same sheet again. The keys follow on pages of their own."),
    line(field({ label: "students", value: own.students, low: 1, high: MOST.students, step: 1, change: take("students") }), field({ label: "first seed", value: own.first, low: 0, high: MOST.seed, step: 1, change: take("first") }),
      choices({ label: "tokens", options: TOKENS.map((one) => [one, String(one)]), value: own.tokens, change: take("tokens") }), toggle({ label: "causal mask", value: own.causal, change: take("causal") })),
    line(button("Print the worksheets", attempt((nodes) => sheet.printed("Worksheets", nodes))), button("Show them here", show)), problem, view);
}
