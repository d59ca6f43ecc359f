/** The pinned row as a calculation that one can follow: a key a line, the largest weight first. */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const states = new WeakMap();
const FEW = 5;
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
  parent.append(ui.make("section", { class: "arithmetic" }, ui.make("div", { class: "top" }, title, all),
    scroll, mixture));
  const state = { title, table, more, mixture, scroll, open: false };
  scroll.addEventListener("scroll", () => fade(state), { passive: true });
  new ResizeObserver(() => fade(state)).observe(scroll);
  more.addEventListener("click", () => {
    state.open = !state.open;
    fill(state);
    state.more.focus();
  });
  state.stops = [ui.listen("hover", (at) => mark(state, at))];
  return state;
}

/** The right edge fades as long as there is more to scroll to. */
function fade({ scroll }) {
  scroll.classList.toggle("further", scroll.scrollWidth - scroll.clientWidth - scroll.scrollLeft > 4);
}

/** Decimals by the size of a column's numbers: two, or more where all are small. */
function places(column) {
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
  const closed = !allowed[index];
  const cells = columns.flatMap((column) => {
    const text = closed && SUMMED.has(column.name) ? (column.name === "weight" ? "masked" : "0") : ui.decimals(column.values[index], places(column));
    const cell = ui.make("td", { class: css(column) }, text);
    return column.name === "weight" ? [cell, bar(column.values[index])] : [cell];
  });
  const row = ui.make("tr", { class: closed ? "closed" : "" }, ui.make("th", { scope: "row", class: "key", dir: "auto" }, ...ui.named(keys, index)), ...cells);
  row.dataset.key = index;
  row.addEventListener("pointerenter", () => ui.say("hover", { query: state.given.query, key: index, from: "arithmetic" }));
  row.addEventListener("pointerleave", () => ui.say("hover", null));
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
  const shown = state.open ? order : order.slice(0, few);
  const hidden = order.slice(few);
  const rows = shown.map((index) => line(state, index));
  if (hidden.length) {
    state.more.textContent = state.open ? `hide ${hidden.length}` : others(hidden.length);
    state.more.setAttribute("aria-expanded", String(state.open));
    rows.push(sums(state, state.more, state.open ? {} : rest(state, hidden), "others"));
  }
  if (sink) rows.push(sums(state, "sink", { [sink.stage]: sink.logit, exp: sink.exp, weight: sink.weight }, "sink"));
  if (sink || state.open) rows.push(sums(state, "sum", { exp: total ?? 0, weight: weightSum + (sink?.weight ?? 0) }, "total"));
  state.table.replaceChildren(header(columns), ui.make("tbody", {}, ...rows));
}

function mark(state, at) {
  const key = at && state.given && at.query === state.given.query ? at.key : null;
  for (const row of state.table.querySelectorAll("tr[data-key]")) row.classList.toggle("here", Number(row.dataset.key) === key);
}

/** The weighted sum of the value vectors, for the first dimensions. */
function mixtureOf(state) {
  const { mixture } = state.given;
  state.mixture.hidden = !mixture;
  if (!mixture) return;
  const number = (value) => ui.decimals(value, 2);
  const terms = mixture.terms.slice(0, 3).flatMap((term, i) => [`${i ? " + " : " = "}${ui.decimals(term.weight, 3)}·v(`, name(state, i), ")"]);
  const tail = mixture.terms.length > 3 || mixture.others ? " + …" : "";
  const vector = `(${[...mixture.output].slice(0, 4).map(number).join(", ")}${mixture.width > 4 ? ", …" : ""})`;
  const summary = ui.make("summary", {}, ui.make("b", {}, "output"), ...terms, `${tail} = ${vector}`);
  state.mixture.replaceChildren(summary, ui.make("div", { class: "scroll" }, mixtureTable(state, number)));
}

/** The key of term `i` within a formula; its own direction must not turn the numbers around it. */
function name(state, i) {
  const { order, columns, keys, mixture } = state.given;
  const { values } = columns.find((column) => column.name === "weight");
  const key = [...order].filter((index) => values[index] > 0)[i];
  return ui.make("bdi", {}, ...(keys[key] === mixture.terms[i].key ? ui.named(keys, key) : [mixture.terms[i].key]));
}

function mixtureTable(state, number) {
  const { mixture } = state.given;
  const count = mixture.output.length;
  const head = ui.make("tr", {}, ui.make("th", { scope: "col", class: "key" }, "weight × value"),
    ...Array.from({ length: count }, (_, i) => ui.make("th", { scope: "col" }, `dim ${i}`)));
  const line = (title, values, kind) => ui.make("tr", { class: kind }, ui.make("th", { scope: "row", class: "key" }, ...title),
    ...[...values].map((value) => ui.make("td", {}, number(value))));
  const rows = mixture.terms.map((term, i) => line([`${ui.decimals(term.weight, 3)} × v(`, name(state, i), ")"], term.vector, ""));
  if (mixture.others) rows.push(line([others(mixture.others)], mixture.rest, "others"));
  rows.push(line(["output"], mixture.output, "total"));
  return ui.make("table", {}, ui.make("thead", {}, head), ui.make("tbody", {}, ...rows));
}

export default function ({ data, parentElement }) {
  ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.given = ui.parse(data);
  const { name: pinned, query, keys } = state.given;
  const place = keys[query] === pinned ? ui.named(keys, query).slice(1) : [];
  state.title.replaceChildren(`The arithmetic of “${pinned}”`, ...place);
  fill(state);
  mixtureOf(state);
  ui.say("pin", { query: state.given.query, alts: state.given.alts });
  return () => state.stops.forEach((stop) => stop());
}
