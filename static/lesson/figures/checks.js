/** The checks of an attention layer, run in the page on a right implementation or one with a bug; or all bugs against all checks. */

const version = new URL(import.meta.url).search;
const [{ ui }, { indexed }, { button, choices, toggle }, { MISTAKES, withMistake }, { CHECKS, checkAll }, { framed, layerOn, tiny, verdict, wide, wordsFor }] = await Promise.all(
  ["../../headlight", "../../draw/indices", "../../draw/inputs", "../../local/mistakes", "../../local/checks", "../common"].map((name) => import(`${name}.js${version}`)));

const MOST = 6;
const WIDTHS = [8, 16, 32];
const COUNTS = [1, 2, 4];
const RIGHT = { name: "", title: "no bug" };
const LOOK = `
.checks td, .checks th { white-space: nowrap; }
.checks .about { white-space: normal; min-width: 16em; color: var(--hl-muted); }
.checks .good { color: var(--hl-good); font-weight: 600; }
.checks .bad { color: var(--hl-bad); font-weight: 600; }
.matrix thead th { writing-mode: vertical-rl; transform: rotate(180deg); padding: 6px 4px; text-align: left; }
.matrix thead th:first-child { writing-mode: horizontal-tb; transform: none; vertical-align: bottom; }
@media (max-width: 560px) {
  /* What must hold stands below its line, where a column of its own would be out of sight. */
  .checks:not(.matrix), .checks:not(.matrix) :is(thead, tbody) { display: block; }
  .checks:not(.matrix) tr { display: grid; grid-template-columns: minmax(0, 1fr) 4.6em 5em 3.6em; border-bottom: 1px solid var(--hl-line); }
  .checks:not(.matrix) :is(th, td) { border-bottom: 0; white-space: normal; padding-right: 6px; }
  .checks:not(.matrix) .about { grid-column: 1 / -1; min-width: 0; padding-top: 0; }
  .checks:not(.matrix) thead th:last-child { display: none; }
}
.matrix th[scope=row] { white-space: normal; min-width: 7em; }
.matrix td { text-align: center; padding: 4px 6px; }
.matrix td.caught { background: var(--hl-chip); }
`;

export default function ({ root, settings, context }) {
  const state = { mistake: settings.mistake === "none" ? "" : settings.mistake, d_model: settings.d_model, n_heads: settings.n_heads, causal: settings.causal, seed: settings.seed, made: null };
  const change = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const isMatrix = settings.show === "matrix";
  const among = (values, value) => [...new Set([...values, value])].sort((one, other) => one - other).map((one) => [one, String(one)]);
  const { body, said } = framed(root,
    ...(isMatrix ? [] : [choices({ label: "implementation", options: [RIGHT, ...MISTAKES].map(({ name, title }) => [name, title]), value: state.mistake, change: (mistake) => change({ mistake }) })]),
    choices({ label: "d_model", options: among(WIDTHS, state.d_model), value: state.d_model, change: (d_model) => change({ d_model }) }),
    choices({ label: "heads", options: among(COUNTS, state.n_heads), value: state.n_heads, change: (n_heads) => change({ n_heads }) }),
    toggle({ label: "causal", value: state.causal, change: (causal) => change({ causal }) }), button("other weights", () => change({ seed: state.seed + 1 })));
  root.append(ui.make("style", {}, LOOK));

  function draw() {
    state.made = madeOf(wordsFor(context, settings.text, MOST), state, isMatrix);
    const { own, all } = state.made;
    const failed = own.filter(({ holds }) => holds === false).map(({ title }) => title.toLowerCase());
    body.replaceChildren(...(isMatrix ? [wide("Which check notices which bug", matrix(all))] : [wide("The checks", list(own)),
      verdict(!failed.length, failed.length ? `${failed.length} of ${own.length} checks fail: ${failed.join(", ")}` : `all ${own.length} checks hold`)]));
    said.textContent = isMatrix ? `${all.length} implementations, ${CHECKS.length} checks. ${alone(all).length ? `Noticed by the other implementation alone: ${alone(all).map(({ title }) => title.toLowerCase()).join(", ")}.` : "Every bug is noticed by more than the other implementation."}` : "";
  }

  draw();
  return { facts: () => factsOf(state), draw, stop: () => {} };
}

/** {own: the checks of the chosen implementation, all: [{name, title, found: its checks}]}. */
function madeOf(tokens, { mistake, d_model, n_heads, causal, seed }, isMatrix) {
  const { settings, weights, x } = layerOn(tokens, { d_model, n_heads, causal, seed });
  const of = (name) => checkAll((...given) => withMistake(name, ...given), x, weights, settings);
  const all = isMatrix ? [RIGHT, ...MISTAKES].map(({ name, title }) => ({ name, title, found: of(name) })) : [];
  return { own: of(mistake), all };
}

function list(found) {
  const rows = found.map(({ title, about, holds, measured, allowed, words }) => ui.make("tr", {}, ui.make("th", { scope: "row" }, title), verdictCell(holds),
    ui.make("td", { class: "number" }, Number.isFinite(measured) ? tiny(measured) : "–"), ui.make("td", { class: "number" }, tiny(allowed)),
    ui.make("td", { class: "about" }, ...indexed(Number.isFinite(measured) ? about : `${about} ${words}`))));
  const heads = ["check", "found", "measured", "allowed", "what must hold"].map((head) => ui.make("th", { scope: "col" }, head));
  return ui.make("table", { class: "listed checks", "aria-label": "Each check with what was measured and what is allowed" }, ui.make("thead", {}, ui.make("tr", {}, ...heads)), ui.make("tbody", {}, ...rows));
}

function verdictCell(holds) {
  if (holds === null) return ui.make("td", {}, "too few words");
  return ui.make("td", { class: holds ? "good" : "bad" }, holds ? "✓ holds" : "✗ fails");
}

function matrix(all) {
  const heads = ["implementation", ...CHECKS.map(({ title }) => title)].map((head) => ui.make("th", { scope: "col" }, head));
  const cell = ({ holds, title }, bug) => ui.make("td", { class: holds === false ? "caught" : "", title: `${title}: ${holds === false ? "fails" : "holds"} with ${bug.toLowerCase()}`, "aria-label": holds === false ? "fails" : "holds" }, holds === false ? "✗" : "·");
  const rows = all.map(({ title, found }) => ui.make("tr", {}, ui.make("th", { scope: "row" }, ...indexed(title)), ...found.map((one) => cell(one, title))));
  return ui.make("table", { class: "listed checks matrix", "aria-label": "Implementations by checks: ✗ where a check fails" }, ui.make("thead", {}, ui.make("tr", {}, ...heads)), ui.make("tbody", {}, ...rows));
}

const failing = (found) => found.filter(({ holds }) => holds === false).map(({ name }) => name);
const alone = (all) => all.filter(({ found }) => failing(found).join() === "reference");

function factsOf({ made: { own, all } }) {
  const names = failing(own);
  const by = ["rows", "causality", "order"].findIndex((name) => names.includes(name));
  const some = all.filter(({ found }) => failing(found).length);
  const noticed = (name) => some.filter(({ found }) => failing(found).includes(name)).length;
  const simple = ["shape", "rows", "causality"];
  return {
    failed: names.length, checks: CHECKS.length, by: by < 0 ? 3 : by, which: own.filter(({ holds }) => holds === false).map(({ title }) => title.toLowerCase()).join(", ") || "none",
    ...(all.length ? { bugs: all.length - 1, noticed: some.length, by_reference: noticed("reference"), by_rows: noticed("rows"),
      slipped: some.filter(({ found }) => !failing(found).some((name) => simple.includes(name))).length } : {}),
  };
}
