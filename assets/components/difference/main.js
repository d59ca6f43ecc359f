/**
 * What lies between both sides: the tokens of both texts side by side, and the difference of their heads, B − A, as a map of
 * its own, made here from what both stores hold. It links pointing and pins of the two.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { pinsOf }, marks, { explain, panelOf }, { speakOn, walk }, { placeOf }, { differenceOf, largest, WHAT }, { link }, { drawMap, viewOf }, { isPaired, namesOf, stepsOf }, { drawTokens }, { explained, watchTerms }] = await Promise.all(
  ["headlight", "store", "look", "figures/marks", "figures/panel", "figures/walk", "spans", "compare/cells", "compare/linked", "compare/map", "compare/steps", "compare/tokens", "terms"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const FROM = "difference";
// Less than this in float32 is what the same arithmetic in another order makes.
const NOTHING = 1e-6;

function build(parent) {
  const tip = ui.make("div", { class: "hl-difference-tip", role: "status", hidden: true });
  const swap = button("⇄ swap sides", "Let A be what B is, and B what A is", () => {
    state.stores.forEach((store) => store.tell());
    state.send("swap", true);
  });
  const linked = button("linked", "", () => {
    state.isLinked = !state.isLinked;
    linked.setAttribute("aria-pressed", String(state.isLinked));
  });
  explained(linked, "compare.linked").setAttribute("aria-pressed", "true");
  const said = ui.make("p", { class: "hl-differs" });
  const texts = ui.make("div", { class: "hl-texts" });
  const panel = panelOf("hl-difference", "weights", "");
  panel.cells = ui.make("canvas", { class: "hl-cells", "aria-hidden": "true" });
  panel.struck = ui.make("canvas", { class: "hl-cells", "aria-hidden": "true" });
  panel.cover.before(panel.cells, panel.struck);
  const whats = Object.entries(WHAT).map(([what, label]) => {
    const made = button(label, "", () => {
      state.what = what;
      render(state);
    });
    return [what, explained(made, `map.${what}`)];
  });
  panel.header.append(ui.make("span", { class: "hl-switches", role: "group", "aria-label": "Difference of what" }, ...whats.map(([, made]) => made)));
  const notes = ui.make("p", { class: "hl-differs" });
  const root = ui.make("div", { class: "hl-difference" }, ui.make("div", { class: "hl-between" }, said, swap, linked), texts, panel.root, notes, tip);
  parent.append(root);
  const state = { root, tip, said, texts, panel, whats, notes, stores: [], steps: null, what: "weights", isLinked: true, pins: [], at: null, over: null,
    shown: [], made: null, lists: [], send: () => {}, stops: null, width: 0 };
  const title = explained(ui.make("span", {}, "B − A"), "compare.difference", { isControl: false });
  panel.title.replaceChildren(title);
  panel.title = title;
  watchTerms(parent);
  walk(state, panel, { show: (_, cell) => show(state, cell), leave: () => point(state, null, null), pin: (_, cell, event) => pin(state, cell, event), parts: (_, cell) => partsOf(state, cell) });
  new ResizeObserver(() => root.clientWidth !== state.width && state.shown.length && render(state)).observe(root);
  return state;
}

function button(label, title, press) {
  const made = ui.make("button", { type: "button", title }, label);
  made.addEventListener("click", press);
  return made;
}

// From the server

function take(state, given) {
  const queries = stepsOf(given.queries);
  Object.assign(state, { given, frame: given.frame, stores: given.stores.map(storeOf), steps: { queries, keys: given.keys ? stepsOf(given.keys) : queries } });
  state.said.textContent = given.differing.length ? `A and B differ in: ${given.differing.join(", ")}.` : "Both sides show the same. Change a text, a model, a layer or a head on one of them.";
  state.listed = "";
}

function connect(state) {
  const given = () => (isCurrent(state) ? { isOn: state.isLinked, ...state.steps } : null);
  return [
    ...state.stores.flatMap((store, side) => [
      store.listen("shown", () => render(state)), store.listen("hover", (at) => follow(state, at, side)),
    ]),
    link(state.stores, given),
  ];
}

/** Whether the steps are those of what both stores show. */
function isCurrent({ stores, given }) {
  return stores.length === 2 && stores.every((store, side) => store.shown()?.run.id === given.runs[side]);
}

// Drawing

/** Everything anew, from what both stores show; nothing while one of them has another run than the steps are of. */
function render(state) {
  if (!state.palette || !isCurrent(state) || !state.root.clientWidth) return;
  const { panel, steps } = state;
  state.width = state.root.clientWidth;
  state.shown = state.stores.map((store) => store.shown());
  for (const [what, made] of state.whats) made.setAttribute("aria-pressed", String(what === state.what));
  state.made = differenceOf(state.what, state.shown.map(({ head }) => head), steps.queries, steps.keys);
  const { z, reason } = state.made;
  panel.view = z ? viewOf(z) : null;
  state.names = { rows: namesOfSide(state, "queries"), columns: namesOfSide(state, "keys") };
  state.pins = pinned(state);
  lists(state);
  explain(panel, Boolean(z), reason);
  panel.title.textContent = `B − A of the ${WHAT[state.what]}`;
  panel.caption.textContent = z ? captionOf(state) : "";
  state.notes.textContent = z ? notesOf(state) : "";
  if (z) {
    drawMap(state, panel, { ...state.names, pins: state.pins });
    marks.outline(panel, state.pins);
    panel.cover.setAttribute("aria-label", altOf(state));
  }
  state.tip.hidden = true;
  speakOn(state);
  state.root.dataset.drawn = String(Number(state.root.dataset.drawn ?? 0) + 1);
}

const namesOfSide = ({ shown, steps }, side) => namesOf(steps[side], ...shown.map(({ run }) => ui.namesOf(run.tokens[side])));

/** The steps in which a token is pinned on either side. */
function pinned({ shown, steps }) {
  return [...new Set(shown.flatMap(({ look }, side) => pinsOf(look).map((token) => steps.queries.of(side, token))))].filter((step) => step !== null);
}

/** Both texts side by side; of cross-attention those that ask and those that are looked at. */
function lists(state) {
  const { given, steps, shown } = state;
  const key = given.runs.join();
  if (state.listed !== key) {
    state.listed = key;
    const sides = given.keys && !shown.every(({ run }) => run.tokens.same) ? ["queries", "keys"] : ["queries"];
    state.lists = sides.map((side) => [side, drawTokens(steps[side], shown.map(({ run }) => run.tokens[side]), {
      label: sides.length > 1 ? `Tokens of both texts, ${side}` : "Tokens of both texts, side by side",
      point: (step) => (side === "queries" ? point(state, step, null) : point(state, null, step)),
      choose: (step, event) => side === "queries" && pinStep(state, step, event),
    })]);
    state.texts.replaceChildren(legend(), ...state.lists.map(([, list]) => list.root));
  }
  for (const [side, list] of state.lists) if (side === "queries") list.pins(state.pins);
}

/** What the signs between both texts mean. */
function legend() {
  const sign = (mark, words) => ui.make("span", {}, ui.make("b", { "aria-hidden": "true" }, mark), ` ${words}`);
  return ui.make("p", { class: "hl-legend-steps" }, sign("A", "above"), sign("B", "below"), sign("│", "the same"), sign("≠", "in its place"), sign("−", "in A alone"), sign("+", "in B alone"));
}

function captionOf({ made }) {
  const best = largest(made.z);
  if (!best) return "No cell is open in both";
  return Math.abs(best.value) < NOTHING ? "no number differs" : "purple: more in B; orange: more in A";
}

/** What the map does not show, and why. */
function notesOf({ steps, shown, made, what }) {
  const alone = (of) => Array.from({ length: of.count }, (_, step) => step).filter((step) => !isPaired(of, step)).length;
  const [rows, columns] = [alone(steps.queries), alone(steps.keys)];
  const altered = shown.map(({ head }, side) => (head.altered ? "AB"[side] : "")).filter(Boolean);
  const sink = shown.some(({ head }) => head.hasSinkColumn);
  return [
    rows || columns ? `Struck out: ${rows} ${rows === 1 ? "row" : "rows"} and ${columns} ${columns === 1 ? "column" : "columns"} whose token only one text has.` : "",
    made.stages[0] === made.stages[1] ? "" : `The scores of A are those at the stage “${made.stages[0]}”, of B at “${made.stages[1]}”.`,
    what === "scores" ? "A score is compared where neither head is masked; what a row has in common does not change its weights." : "",
    sink ? "What a learned sink takes is not in the map." : "", altered.length ? `As changed on this page: ${altered.join(" and ")}.` : "", made.note ?? "",
  ].filter(Boolean).join(" ");
}

/** The map in words: the largest difference of all, and that of the pinned row. */
function altOf(state) {
  const { made: { z }, names, steps, shown, pins, what } = state;
  const heads = shown.map(({ head }, side) => `${"AB"[side]} layer ${head.layer}, head ${head.head}`).join("; ");
  const begun = `Difference of the ${WHAT[what]}, B − A: ${heads}; ${steps.queries.count} by ${steps.keys.count} steps.`;
  const said = (best) => `“${names.rows[best.row]}” → “${names.columns[best.column]}”: ${signed(best.value)}`;
  const best = largest(z);
  if (!best || Math.abs(best.value) < NOTHING) return `${begun} Nothing differs.`;
  const own = pins.length ? largest(z, pins[0]) : null;
  return `${begun} The largest is at ${said(best)}.${own ? ` In the pinned row it is at ${said(own)}.` : ""}`;
}

const signed = (value) => `${value > 0 ? "+" : ""}${ui.decimals(value, 4)}`;

// Pointing

const placed = ({ panel, steps }, cell) => placeOf(panel.view, cell, "weights", { keys: steps.keys.count });

function show(state, cell) {
  const { query, key } = placed(state, cell);
  marks.overCells(state.panel.marks.cell, state.panel, cell);
  marks.tell(state, state.panel, cell, sentences(state, query, key));
  point(state, query, key, FROM);
}

/** Point at a step of the queries and one of the keys, on both sides at once. */
function point({ stores, steps }, row, column, from = "steps") {
  stores.forEach((store, side) => {
    const query = row === null ? null : steps.queries.at(row, side);
    const key = column === null ? null : steps.keys.at(column, side);
    store.say("hover", query === null && key === null ? null : { query, key, from });
  });
}

/** The row and the column that are pointed at, on whichever side. */
function follow(state, at, side) {
  const { panel, steps } = state;
  if (!isCurrent(state) || !panel.view) return;
  const row = at ? steps.queries.of(side, at.query ?? -1) : null;
  const column = at ? steps.keys.of(side, at.key ?? -1) : null;
  if (at) {
    marks.overRow(panel.marks.row, panel, state.pins.includes(row) ? null : row);
    marks.overColumn(panel.marks.column, panel, column);
  } else [panel.marks.row, panel.marks.column].forEach(marks.hide);
  for (const [of, list] of state.lists) list.mark(of === "queries" ? row ?? (state.lists.length === 1 ? column : null) : column);
  if (at?.from === FROM) return;
  marks.hide(panel.marks.cell);
  state.tip.hidden = true;
  state.over = null;
}

function pin(state, cell, event) {
  pinStep(state, placed(state, cell).query, event);
}

/** Pin a step on both sides, whether they are linked or not: it is a place of both. */
function pinStep({ stores, steps }, step, event) {
  stores.forEach((store, side) => {
    const token = steps.queries.at(step, side);
    if (token !== null) store.pin(token, { several: store.isSeveral(event) });
  });
}

/** What copying a cell gives: both names, and the difference. */
function partsOf(state, cell) {
  const { query, key, value } = placed(state, cell);
  return [state.names.rows[query], state.names.columns[key], Number.isNaN(value) ? "none" : value];
}

/** Both names, both numbers and their difference; or why there is none. */
function sentences({ made, names, steps, what }, row, column) {
  const i = row * steps.keys.count + column;
  const words = (kind, text) => ui.make("span", { class: `hl-${kind}` }, text);
  const line = (...parts) => ui.make("div", {}, ...parts);
  const pair = line(words("query", names.rows[row]), " → ", words("key", names.columns[column]));
  if (!isPaired(steps.queries, row) || !isPaired(steps.keys, column)) return [pair, line("only one text has this token")];
  const numbers = [made.first[i], made.second[i]];
  if (numbers.every(Number.isNaN)) return [pair, line("masked on both sides")];
  const each = numbers.map((number, side) => line(`${"AB"[side]} `, Number.isNaN(number) ? "masked" : what === "weights" ? ui.decimals(number, 4) : ui.number(number, 5)));
  if (Number.isNaN(made.z[i])) return [pair, ...each];
  return [pair, ...each, line("B − A ", words("value", what === "weights" ? signed(made.z[i]) : `${made.z[i] > 0 ? "+" : ""}${ui.number(made.z[i], 5)}`))];
}

export default function ({ data, parentElement, setTriggerValue }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  const isOther = state.bytes !== data;
  Object.assign(state, { palette, bytes: data, send: setTriggerValue });
  if (isOther) take(state, ui.parse(data));
  state.panel.axes = null;
  state.stops ??= connect(state);
  render(state);
  return () => {
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
