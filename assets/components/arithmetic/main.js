/**
 * The pinned row as a calculation that one can follow: a key a line, the largest weight first. A row that is pointed at
 * elsewhere takes its place as long as it is; of several pinned rows, the weights stand side by side.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { desk }, { arithmetic, mixture }] = await Promise.all(["headlight", "desk", "row"].map(shared));
const ui = start(HEADLIGHT);
const table = desk(ui);
const states = new WeakMap();
const HIDES = "What this does not show: a score means nothing by itself, only beside the others of its row. A weight says how much of a"
  + " value is taken, not what that value holds. What comes out is one head’s share: the stream before it, the other heads and the"
  + " feed-forward layers are not in it. And none of it tells whether the model needs this head.";
const FEW = 5;
// Lines of the open table; who needs more has the map.
const MOST = 400;
const PLACES = { exp: 3, weight: 3 };
const ROLE = { scores: "query", length: "value", weight: "weight" };
const SUMMED = new Set(["exp", "weight"]);
const NARROW = new Set(["exp", "share"]);

function build(parent) {
  const title = ui.make("h3");
  const table = ui.make("table");
  const more = ui.make("button", { type: "button", class: "more" });
  const mixture = ui.make("details");
  const scroll = ui.make("div", { class: "scroll" }, table);
  const all = ui.make("button", { type: "button", class: "more all" }, "all columns");
  all.setAttribute("aria-pressed", "false");
  all.addEventListener("click", () => {
    const full = table.classList.toggle("full");
    all.setAttribute("aria-pressed", String(full));
    all.textContent = full ? "fewer columns" : "all columns";
    fade(state);
  });
  const hides = ui.make("p", { class: "hides", hidden: true }, HIDES);
  const ask = ui.make("button", { type: "button", class: "ask" }, "what all this does not show");
  ask.setAttribute("aria-expanded", "false");
  ask.addEventListener("click", () => {
    hides.hidden = !hides.hidden;
    ask.setAttribute("aria-expanded", String(!hides.hidden));
  });
  parent.append(ui.make("section", { class: "arithmetic" }, ui.make("div", { class: "top" }, title, ask, all), hides, scroll, mixture));
  const state = { title, table, more, mixture, scroll, open: false, hovered: null, soon: 0 };
  // The lines may be made anew below the pointer; the table stays, and hears when it is left.
  table.addEventListener("pointerleave", () => ui.say("hover", null));
  table.addEventListener("pointerover", (event) => {
    if (!event.target.closest("tr[data-key]") && ui.last("hover")?.from === "arithmetic") ui.say("hover", null);
  });
  scroll.addEventListener("scroll", () => fade(state), { passive: true });
  new ResizeObserver(() => fade(state)).observe(scroll);
  more.addEventListener("click", () => {
    state.open = !state.open;
    fill(state);
    state.more.focus();
  });
  return state;
}

/** The right edge fades as long as there is more to scroll to. */
function fade({ scroll }) {
  scroll.classList.toggle("further", scroll.scrollWidth - scroll.clientWidth - scroll.scrollLeft > 4);
}

/** Decimals by the size of a column's numbers: two, or more where all are small. */
function places(column) {
  if (column.row !== undefined) return PLACES.weight;
  if (PLACES[column.name]) return PLACES[column.name];
  const largest = column.values.reduce((top, value) => (Number.isFinite(value) ? Math.max(top, Math.abs(value)) : top), 0);
  return largest >= 1000 ? 1 : largest >= 1 || largest === 0 ? 2 : 4;
}

function header(columns) {
  const cells = columns.flatMap((column) => {
    const cell = ui.make("th", { scope: "col", class: css(column) }, column.title);
    return column.name === "weight" ? [cell, ui.make("th", { class: "bar", "aria-hidden": "true" })] : [cell];
  });
  return ui.make("thead", {}, ui.make("tr", {}, ui.make("th", { scope: "col", class: "key" }, "key"), ...cells));
}

const css = (column) => [ROLE[column.name] ?? "", NARROW.has(column.name) ? "wide" : ""].join(" ").trim();

function line(state, index) {
  const { columns, keys, allowed } = state.given;
  const hidden = state.shown.head.isHidden(index);
  const closed = !allowed[index] || hidden;
  const word = hidden ? "left out" : "masked";
  const cells = columns.flatMap((column) => {
    const shut = column.closed ? column.closed(index) || hidden : closed;
    const words = column.name === "weight" || column.closed ? word : "0";
    const text = shut && (SUMMED.has(column.name) || column.closed) && !column.values[index] ? words : ui.decimals(column.values[index], places(column));
    const cell = ui.make("td", { class: css(column) }, text);
    return column.name === "weight" ? [cell, bar(column.values[index] / state.given.most)] : [cell];
  });
  const row = ui.make("tr", { class: closed ? "closed" : "" }, ui.make("th", { scope: "row", class: "key", dir: "auto" }, ...ui.named(keys, index)), ...cells);
  row.dataset.key = index;
  row.addEventListener("pointerenter", () => ui.say("hover", { query: null, key: index, from: "arithmetic" }));
  return row;
}

function bar(share) {
  const fill = ui.make("span");
  fill.style.width = `${Math.max(share > 0 ? 1 : 0, 100 * share)}%`;
  return ui.make("td", { class: "bar", "aria-hidden": "true" }, fill);
}

/** A line of sums: `numbers` by column name, all others empty. */
function sums(state, name, numbers, kind) {
  const cells = state.given.columns.flatMap((column) => {
    const text = numbers[column.name] === undefined ? "" : ui.decimals(numbers[column.name], places(column));
    const cell = ui.make("td", { class: css(column) }, text);
    return column.name === "weight" ? [cell, ui.make("td", { class: "bar" })] : [cell];
  });
  return ui.make("tr", { class: kind }, ui.make("th", { scope: "row", class: "key" }, name), ...cells);
}

const others = (count) => (count === 1 ? "1 other" : `${count} others`);

/** What the keys that are not listed add up to. */
function rest(state, hidden) {
  const numbers = {};
  for (const { name, values } of state.given.columns) {
    if (SUMMED.has(name)) numbers[name] = hidden.reduce((total, key) => total + values[key], 0);
  }
  return numbers;
}

function fill(state) {
  const { columns, sink, total, weightSum, allowed } = state.given;
  const order = [...state.given.order].sort((a, b) => allowed[b] - allowed[a]);
  const few = Math.min(order.length <= FEW + 1 ? order.length : FEW, Math.max(1, allowed.filter(Boolean).length));
  const shown = state.open ? order.slice(0, MOST) : order.slice(0, few);
  const hidden = order.slice(few);
  const rows = shown.map((index) => line(state, index));
  if (hidden.length) {
    state.more.textContent = state.open ? `hide ${hidden.length}` : others(hidden.length);
    state.more.setAttribute("aria-expanded", String(state.open));
    rows.push(sums(state, state.more, state.open ? {} : rest(state, hidden), "others"));
  }
  if (sink) rows.push(sums(state, "sink", { [sink.stage]: sink.logit, exp: sink.exp, weight: sink.weight }, "sink"));
  if (sink || state.open) rows.push(sums(state, "sum", { exp: total ?? 0, weight: weightSum + (sink?.weight ?? 0) }, "total"));
  if (!state.open) rows.push(...blanks(state, Math.min(order.length, FEW + 1) + (sink ? 2 : 0) - rows.length));
  state.table.replaceChildren(header(columns), ui.make("tbody", {}, ...rows));
}

/** Empty lines, so that every row takes as many, and nothing below moves while the pointer does. */
function blanks(state, count) {
  return Array.from({ length: Math.max(0, count) }, () => {
    const line = sums(state, "\u00a0", {}, "blank");
    line.setAttribute("aria-hidden", "true");
    return line;
  });
}

/** The row or the key under the pointer, wherever on the page it is. */
function mark(state, at) {
  state.at = at;
  if (!state.shown) return;
  const query = at?.query ?? null;
  if (query !== state.hovered) {
    state.hovered = query;
    later(state);
  }
  here(state);
}

function show(state, shown) {
  state.shown = shown;
  write(state);
}

/** The table follows the pointer a frame after the marks, which are to be there at once. */
function later(state) {
  state.soon ||= requestAnimationFrame(() => setTimeout(() => {
    state.soon = 0;
    if (!state.shown) return;
    write(state);
    here(state);
  }));
}

/** The line of the key under the pointer. */
function here({ table: lines, at }) {
  const key = at?.key ?? null;
  for (const row of lines.querySelectorAll("tr[data-key]")) row.classList.toggle("here", Number(row.dataset.key) === key);
}

/** The rows on show, from the desk. */
function write(state) {
  const { run, head, look } = state.shown;
  const one = state.hovered ?? null;
  const rows = one === null ? table.pins(look) : [one];
  const keys = ui.namesOf(run.tokens.keys);
  const queries = ui.namesOf(run.tokens.queries);
  state.away = !rows.every((row) => row < head.queries && head.row("weights", row));
  state.title.replaceChildren(...titleOf(state, rows, queries, look));
  if (state.away) {
    state.table.replaceChildren();
    state.mixture.hidden = true;
    return;
  }
  state.given = rows.length === 1 ? oneRow(state, rows[0], keys) : several(state, rows, keys, queries);
  fill(state);
  mixtureOf(state);
}

function titleOf(state, rows, queries, look) {
  if (state.away) return ["This row has not travelled: click it to pin it."];
  if (rows.length === 1) return [`The arithmetic of “${queries[rows[0]]}”`, ...ui.named(queries, rows[0]).slice(1)];
  return [`The weights of ${rows.length} tokens, and their ${look.together}`];
}

function oneRow(state, query, keys) {
  const { head } = state.shown;
  const titles = table.layerOf(head.layer)?.titles ?? {};
  const row = arithmetic(head, titles, query);
  const stages = row.columns.filter(({ name }) => !["exp", "weight", "length", "share"].includes(name));
  const sink = row.sinkLogit === null || row.sinkPart === null ? null
    : { stage: stages.at(-1)?.name, logit: row.sinkLogit, exp: row.sinkPart, weight: row.sinkWeight };
  return { ...row, keys, sink, most: 1, mixture: mixture(head, row) };
}

/** One column of weights a token, and what they are together; `most` is the longest that a bar can be. */
function several(state, rows, keys, queries) {
  const { head, look } = state.shown;
  const weights = head.together("weights", rows, look.together);
  const may = rows.map((row) => head.allowed(row));
  const allowed = Uint8Array.from({ length: keys.length }, (_, key) => Number(may.some((row) => row[key])));
  const columns = rows.map((row, i) => ({ name: `row-${row}`, row, title: queries[row], values: head.row("weights", row), closed: (key) => !may[i][key] }));
  columns.push({ name: "weight", title: look.together, values: weights });
  const order = [...weights.keys()].sort((a, b) => allowed[b] - allowed[a] || weights[b] - weights[a] || a - b);
  return { query: rows[0], order, allowed, columns, keys, most: look.together === "sum" ? rows.length : 1, sink: null, total: null, weightSum: weights.reduce((sum, weight) => sum + weight, 0), mixture: null };
}

/** The weighted sum of the value vectors, for the first dimensions. */
function mixtureOf(state) {
  const { mixture: made, keys } = state.given;
  state.mixture.hidden = !made;
  if (!made) return;
  const number = (value) => ui.number(value, 3);
  const name = ({ key }) => ui.make("bdi", {}, ...ui.named(keys, key));
  const terms = made.terms.slice(0, 3).flatMap((term, i) => [`${i ? " + " : " = "}${ui.decimals(term.weight, 3)}·v(`, name(term), ")"]);
  const tail = made.terms.length > 3 || made.others ? " + …" : "";
  const vector = `(${[...made.output].slice(0, 4).map(number).join(", ")}${made.width > 4 ? ", …" : ""})`;
  const summary = ui.make("summary", {}, ui.make("b", {}, "output"), ...terms, `${tail} = ${vector}`);
  state.mixture.replaceChildren(summary, ui.make("div", { class: "scroll" }, mixtureTable(made, number, name)));
}

function mixtureTable(made, number, name) {
  const count = made.output.length;
  const hidden = made.width - count;
  const top = ui.make("tr", {}, ui.make("th", { scope: "col", class: "key" }, "weight × value"),
    ...Array.from({ length: count }, (_, i) => ui.make("th", { scope: "col" }, `dim ${i}`)),
    ...(hidden > 0 ? [ui.make("th", { scope: "col", class: "rest" }, `and ${hidden} more of ${made.width}`)] : []));
  const line = (title, values, kind) => ui.make("tr", { class: kind }, ui.make("th", { scope: "row", class: "key" }, ...title),
    ...[...values].map((value) => ui.make("td", {}, number(value))), ...(hidden > 0 ? [ui.make("td", { class: "rest" }, "…")] : []));
  const rows = made.terms.map((term) => line([`${ui.decimals(term.weight, 3)} × v(`, name(term), ")"], term.vector, ""));
  if (made.others) rows.push(line([others(made.others)], made.rest, "others"));
  rows.push(line(["output"], made.output, "total"));
  return ui.make("table", {}, ui.make("thead", {}, top), ui.make("tbody", {}, ...rows));
}

/** Listen until the component is taken down; it may come back. */
function connect(state) {
  return [ui.listen("shown", (shown) => show(state, shown)), ui.listen("hover", (at) => mark(state, at))];
}

export default function ({ parentElement }) {
  ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  if (state.stops && state.shown) show(state, state.shown);
  state.stops ??= connect(state);
  return () => {
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
