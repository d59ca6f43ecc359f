/** What a change did: the chosen head's weights before it and now, and in numbers the pinned row, its entropy and its output, until it is dismissed. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button }, { term }, { place }, { imageButtons }, { mapOfWeights, slice }, { entropyOf, fine, lengthOf, moved, ranked, rowOf }] = await Promise.all(
  ["../headlight", "../draw/inputs", "../terms", "./matrix", "./picture", "./steps", "./words"].map((name) => import(`${name}.js${version}`)));

const LINES = 5;

/** {root, draw(now, before)}. before: {now: what was shown then, words: what was changed} or null; dismiss() is called by its button. */
export function comparison(dismiss) {
  const [earlier, later] = [place(), place()];
  const own = {
    earlier, later, words: ui.make("p", { class: "changed", "aria-live": "polite" }), table: ui.make("table", { class: "numbers" }),
    dismiss: button("Dismiss", dismiss), none: ui.make("p", { class: "none" }, "Change something: the weights before it will stand here."),
  };
  const images = imageButtons("Before and now", () => ({
    heading: own.words.textContent, name: "before-and-now", figure: root, palette: own.palette, lines: [...own.table.rows].map((row) => [...row.cells].map((cell) => cell.textContent).join("  ")),
  }));
  const root = ui.make("section", { class: "compare", "aria-label": "Before and now" }, ui.make("div", { class: "top" }, own.words, images, own.dismiss),
    ui.make("div", { class: "both" }, ui.make("div", { class: "half" }, own.none, earlier.root), later.root, own.table));
  return { root, draw: (now, before) => draw(own, now, before) };
}

function draw(own, now, before) {
  const then = before?.now ?? null;
  own.palette = now.palette;
  own.words.textContent = before ? `Changed: ${before.words}` : `What head ${now.head} does now`;
  own.dismiss.hidden = own.earlier.root.hidden = !then;
  own.none.hidden = Boolean(then);
  own.later.draw(mapOfWeights(now, slice(now.step.pass.weights, now.head), { title: "weights now", small: true }));
  if (then) own.earlier.draw(mapOfWeights({ ...then, i: now.i, j: now.j, palette: now.palette }, slice(then.step.pass.weights, then.head), { title: "weights before", small: true }));
  fill(own.table, now, then);
}

/** The pinned row in numbers: its largest weights now, and what they were. */
function fill(table, now, then) {
  const row = rowOf(now.step.pass.weights, now.i, now.head);
  const old = then ? rowOf(then.step.pass.weights, now.i, then.head) : null;
  const line = (name, was, is, heading = "td") => ui.make("tr", {}, ui.make("th", { scope: "row" }, name), ui.make(heading, {}, was), ui.make(heading, {}, is));
  const keys = ranked(row).slice(0, LINES).map(([at]) => at);
  const lines = keys.map((at) => line(now.names[at], old ? fine(old[at]) : "–", fine(row[at])));
  const blank = Array.from({ length: LINES - keys.length }, () => ui.make("tr", { class: "blank" }, ui.make("td", { colSpan: 3 }, "\u00a0")));
  table.replaceChildren(ui.make("caption", {}, `What “${now.names[now.i]}” looks at most`),
    ui.make("thead", {}, ui.make("tr", {}, ui.make("th", { scope: "col" }, "key"), ui.make("th", { scope: "col" }, "before"), ui.make("th", { scope: "col" }, "now"))),
    ui.make("tbody", {}, ...lines, ...blank), ui.make("tfoot", {}, line(term("entropy", "entropy, nats"), old ? fine(entropyOf(old)) : "–", fine(entropyOf(row))),
      line("length of output", then ? fine(lengthOf(rowOf(then.step.pass.output, now.i))) : "–", fine(lengthOf(rowOf(now.step.pass.output, now.i)))),
      line("output moved by", "", moved(now, then) === null ? "–" : fine(moved(now, then)))));
}
