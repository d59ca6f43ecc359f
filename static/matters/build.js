/** The elements of the view, made once. */
const version = new URL(import.meta.url).search;
const [{ ui }, { term }, { aimOf }, { headsGrid }, { quoteOf }, { sweepOf }, { tell }] = await Promise.all(
  ["../headlight", "../terms", "../signed/aim", "../signed/heads", "../signed/quote", "../signed/sweep", "./says"].map((name) => import(`${name}.js${version}`)));

/** Give a state its elements. */
export function build(state) {
  const part = (tag, own, ...children) => ui.make(tag, { class: own }, ...children);
  Object.assign(state, {
    reason: part("p", "reason"), aim: aimOf((aim) => state.send("aim", aim)), ways: waysOf(state), quote: quoteOf(),
    off: panelOf(state, "ablation", "Switched off in turn"), direct: panelOf(state, "direct", "What each writes itself"),
    tell: part("p", "tell"), rest: restOf(), words: part("div", "words"), notes: part("div", "notes"),
  });
  state.tell.setAttribute("aria-live", "polite");
  state.body = part("div", "body", state.aim.root, state.ways.root, part("div", "pair", state.off.root, state.direct.root), state.tell,
    state.words, state.rest.root, state.quote.root, state.notes);
  state.root = ui.make("section", { class: "matters", "aria-label": "Which heads matter" }, state.reason, state.body);
}

function panelOf(state, key, title) {
  const grid = headsGrid(state, (cell) => tell(state, cell));
  const [caption, legend, why] = [ui.make("p", { class: "small" }), ui.make("div", { class: "legend" }), ui.make("p", { class: "reason" })];
  return { grid, caption, legend, why, root: ui.make("div", { class: "panel" }, ui.make("h4", {}, term(key, title)), caption, grid.root, why, legend) };
}

/** How heads are switched off, whether later ones are frozen, and the runs: their button, or how far they are. */
function waysOf(state) {
  const how = ui.make("select", { "aria-label": "how heads are switched off" });
  how.addEventListener("change", () => state.send("act", { how: how.value }));
  const frozen = ui.make("input", { type: "checkbox" });
  frozen.addEventListener("change", () => state.send("act", { frozen: frozen.checked }));
  const sweep = sweepOf((act) => state.send("act", act));
  const root = ui.make("div", { class: "ways" }, ui.make("label", {}, term("off", "Each head is switched off"), how),
    ui.make("label", {}, frozen, term("frozen", "freeze later heads")), ...sweep.parts);
  return { root, how, frozen, sweep };
}

/** The rows that are no heads, their sum and the model's own number. */
function restOf() {
  const table = ui.make("table", { class: "rest" });
  const sum = ui.make("p", { class: "sum" });
  const more = ui.make("details", {}, ui.make("summary", {}, "What else writes: embedding, MLPs, biases"), table);
  return { table, sum, more, root: ui.make("div", { class: "adds" }, sum, more) };
}
