/** What is printed: one worked example with all its numbers, and worksheets with their keys. The tables are plain HTML. */

const version = new URL(import.meta.url).search;
const [{ ui }, { FIRST, begin, made }, { nowOf }, { STEPS }, { SAYS }] = await Promise.all(["../headlight", "./model", "./now", "./steps", "./words"].map((name) => import(`${name}.js${version}`)));

export const MOST_TOKENS = 6;
export const WIDTHS = Object.freeze([4, 8]);
const TITLES = Object.fromEntries(STEPS.map(({ name, title }) => [name, title]));
// The frame that is printed sees none of the page's fonts.
const FONT = new URL("../fonts/source-sans-3-latin-wght-normal.woff2", import.meta.url).href;
const STYLE = `
@font-face { font-family: "Source Sans 3"; font-weight: 200 900; src: url("${FONT}") format("woff2"); }
@page { margin: 14mm; }
* { box-sizing: border-box; }
body { margin: 0; color: #000; background: #fff; font: 400 10.5pt/1.35 "Source Sans 3", sans-serif; }
h1 { font-size: 15pt; margin: 0 0 4pt; } h2 { font-size: 11.5pt; margin: 10pt 0 2pt; break-after: avoid; }
p { margin: 2pt 0; } .formula { font-variant-numeric: tabular-nums; }
.tables { display: flex; flex-wrap: wrap; gap: 6pt 16pt; align-items: flex-start; }
table { border-collapse: collapse; font-size: 8.5pt; font-variant-numeric: tabular-nums; break-inside: avoid; }
caption { text-align: left; font-weight: 600; padding-bottom: 1pt; white-space: nowrap; }
td, th { padding: 1pt 4pt; text-align: right; font-weight: 400; } td { border: .5pt solid #999; }
.pages > section { break-after: page; } .pages > section:last-child { break-after: auto; }
.student table, .key table { font-size: 10.5pt; } .blank td { min-width: 60pt; height: 27pt; } .blank thead th { text-align: center; }
.line { display: flex; gap: 24pt; justify-content: space-between; border-bottom: 1pt solid #000; margin-bottom: 6pt; }`;

const digits = (count) => (value) => (Number.isFinite(value) ? value.toFixed(count).replace(/^-(?=0(\.0*)?$)/, "").replace("-", "−") : "−∞");

/** The state of the printed example: at most six tokens of the person's own sentence, two heads, everything else as it is. */
export function exampleState(state, width) {
  const settings = { ...FIRST, ...state.settings, d_model: width, n_heads: 2, n_kv_heads: state.settings.n_kv_heads === 1 ? 1 : 2 };
  const whole = made(begin({ text: state.text }));
  const last = whole.tokens.slice(0, MOST_TOKENS).at(-1);
  return begin({ text: state.text.slice(0, last?.span[1] ?? 0), settings, query: Math.max(0, Math.min(2, whole.tokens.length - 1)), key: whole.tokens.length > 1 ? 1 : 0 });
}

/** All that stands on the printed example: [{title, said, formulas, tables: [{title, rows, values}]}], a part for each step. */
export function example(state) {
  const whole = made(state);
  const [step] = whole.layers;
  if (!step) return [];
  const now = nowOf({ state, made: whole, cell: null, palette: null });
  return Object.entries(tablesOf(step, whole.names)).map(([name, tables]) => ({ title: TITLES[name], said: SAYS[name].plain(now), formulas: SAYS[name].formula(now), tables }));
}

function tablesOf({ words, positions, x, weights, pass, settings }, names) {
  const by = (title, values, rows = names, columns = null) => ({ title: `${title} (${values.shape.join(" × ")})`, rows, columns, values });
  const per = (title, array, columns = null) => Array.from({ length: array.shape[0] }, (_, head) => by(`${title} ${head}`, part(array, head), names, columns));
  return {
    embed: [by("words", words), by("positions", positions), by("X", x)],
    project: [by("W_Q", weights.query, null), by("Q = X·W_Q", pass.Q), by("W_K", weights.key, null), by("K = X·W_K", pass.K), by("W_V", weights.value, null), by("V = X·W_V", pass.V)],
    split: [...per("Q of head", pass.query), ...per("K of kv head", pass.key), ...per("V of kv head", pass.value)],
    scores: per("Q·Kᵀ of head", pass.scores, names), scale: per(settings.temperature === 1 ? "scaled, head" : "scaled and tempered, head", pass.tempered, names),
    mask: per("masked, head", pass.masked, names), softmax: per("weights of head", pass.weights, names), mix: per("output of head", pass.heads),
    concat: [by("concat", pass.concat)], output: [by("W_O", weights.output, null), by("output = concat·W_O", pass.output)],
  };
}

function part(array, at) {
  const [, rows, columns] = array.shape;
  return Object.assign(array.subarray(at * rows * columns, (at + 1) * rows * columns), { shape: [rows, columns] });
}

/** A table of numbers; `write` makes words of each, "" for a place to fill in. */
function table({ title, rows, columns, values }, write, kind = "") {
  const [down, across] = values.shape;
  const line = (row) => ui.make("tr", {}, rows ? ui.make("th", { scope: "row" }, rows[row]) : null,
    ...Array.from({ length: across }, (_, column) => ui.make("td", {}, write(values[row * across + column]))));
  const head = columns ? ui.make("thead", {}, ui.make("tr", {}, ui.make("th", {}), ...columns.map((name) => ui.make("th", { scope: "col" }, name)))) : null;
  return ui.make("table", { class: kind }, ui.make("caption", {}, title), head, ui.make("tbody", {}, ...Array.from({ length: down }, (_, row) => line(row))));
}

/** The worked example as nodes. */
export function exampleNodes(state) {
  const { settings } = state;
  const about = `d_model ${settings.d_model}, ${settings.n_heads} heads, ${settings.causal ? "causal mask" : "no mask"}, seed ${settings.seed}. The formulas are those of head 0. Numbers are rounded to two decimals; they were made with more.`;
  const parts = example(state).map(({ title, said, formulas, tables }) => ui.make("section", {}, ui.make("h2", {}, title), ui.make("p", {}, said),
    ...formulas.map((one) => ui.make("p", { class: "formula" }, one)), ui.make("div", { class: "tables" }, ...tables.map((one) => table(one, digits(2))))));
  return [ui.make("h1", {}, `“${state.text}” through one attention layer`), ui.make("p", {}, about), ...parts];
}

/** Worksheets as nodes, each on a page of its own, and then their keys. */
export function worksheetNodes(sheets) {
  return [ui.make("div", { class: "pages" }, ...sheets.map((one) => pageOf(one, false)), ...sheets.map((one) => pageOf(one, true)))];
}

function pageOf(sheet, isKey) {
  const { seed, names, causal, steps } = sheet;
  const given = (title, values) => table({ title, rows: names, columns: null, values }, digits(0));
  const asked = (title, values, columns, places = 2) => table({ title, rows: names, columns, values }, isKey ? digits(places) : () => "", isKey ? "" : "blank");
  const exponentials = steps.map((step) => (step ? `exp(−${(step / Math.SQRT2).toFixed(2)}) = ${Math.exp(-step / Math.SQRT2).toFixed(3)}` : "exp(0) = 1")).join(", ");
  const mask = causal ? " No word sees a later one: write −∞ there before the softmax." : "";
  return ui.make("section", { class: isKey ? "key" : "student" },
    ui.make("div", { class: "line" }, ui.make("h1", {}, isKey ? "Key" : "Attention by hand"), ui.make("p", {}, isKey ? `seed ${seed}` : `Name: ______________________   seed ${seed}`)),
    ui.make("p", {}, `Two numbers a vector: d = 2, √2 ≈ 1.41. The tokens are ${names.map((name) => `“${name}”`).join(", ")}.`),
    ui.make("div", { class: "tables" }, given("Q", sheet.query), given("K", sheet.key), given("V", sheet.value)),
    ui.make("h2", {}, "1. Scores: each query times each key"), asked("Q·Kᵀ", sheet.scores, names, 0),
    ui.make("h2", {}, "2. Scaled: divided by √2"), asked("Q·Kᵀ ÷ √2", sheet.scaled, names),
    ui.make("h2", {}, "3. Weights: the softmax of each row"), ui.make("p", {}, `Take the row’s largest from each, then exp, then divide by the row’s sum.${mask} ${exponentials}.`), asked("weights", sheet.weights, names),
    ui.make("h2", {}, "4. Output: each row’s weights times the values, added up"), asked("weights·V", sheet.output, null));
}

/** Print a frame once its typeface has come, or without it. */
async function printFrame(frame) {
  await frame.contentDocument.fonts.load('400 10pt "Source Sans 3"').catch(() => []);
  frame.contentWindow.print();
}

/** Print nodes by themselves, in a frame of their own; returns the frame, which is taken away after printing. */
export function printed(title, nodes, print = printFrame) {
  const frame = ui.make("iframe", { class: "printed", title, tabIndex: -1 });
  frame.style.cssText = "position: fixed; width: 0; height: 0; border: 0; visibility: hidden;";
  document.body.append(frame);
  const inside = frame.contentDocument;
  inside.title = title;
  const style = Object.assign(inside.createElement("style"), { textContent: STYLE });
  inside.head.append(style);
  inside.body.append(...nodes);
  frame.contentWindow.addEventListener("afterprint", () => setTimeout(() => frame.remove()));
  print(frame);
  return frame;
}
