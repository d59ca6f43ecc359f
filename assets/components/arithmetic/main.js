/**
 * The pinned row as a calculation that one can follow: a key a line, the largest weight first. A row that is pointed at
 * elsewhere takes its place as long as it is; of several pinned rows, the weights stand side by side.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { explained, term, watchTerms }, { layerOf, pinsOf }, { AWAY, ROLE, TERM, WIDE, changeOf, givenOf, isHere, linesOf, othersOf, outputOf, roomFor, titleOf }] = await Promise.all(
  ["headlight", "store", "terms", "look", "arithmetic/lines"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const HIDES = "What this does not show: a score means nothing by itself, only beside the others of its row. A weight says how much of a"
  + " value is taken, not what that value holds. What comes out is one head’s share: the stream before it, the other heads and the"
  + " feed-forward layers are not in it. And none of it tells whether the model needs this head.";

function build(parent, store) {
  const named = term("arithmetic");
  const rest = ui.make("span");
  const title = ui.make("h3", {}, named, rest);
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
  watchTerms(parent);
  const state = { store, named, rest, table, more, mixture, scroll, open: false, hovered: null, soon: 0 };
  // The lines may be made anew below the pointer; the table stays, and hears when it is left.
  table.addEventListener("pointerleave", () => store.say("hover", null));
  table.addEventListener("pointerover", (event) => {
    if (!event.target.closest("tr[data-key]") && store.last("hover")?.from === "arithmetic") store.say("hover", null);
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

/** The columns' titles; the same ones stay as long as one of them has the focus. */
function headerOf(state) {
  const { columns } = state.given;
  const made = JSON.stringify(columns.map(({ name, title }) => [name, title]));
  const isHeld = state.header?.root.contains(state.table.getRootNode().activeElement);
  if (!isHeld || state.header.made !== made) state.header = { made, root: header(columns) };
  return state.header.root;
}

/** A column's title, explained where it is a term and not a token's name. */
const titleCell = ({ name, row, title }) => (row === undefined ? term(TERM[title] ?? TERM[name], title) : title);

function header(columns) {
  const cells = columns.flatMap((column) => {
    const cell = ui.make("th", { scope: "col", class: css(column) }, titleCell(column));
    return column.name === "weight" ? [cell, ui.make("th", { class: "bar", "aria-hidden": "true" })] : [cell];
  });
  return ui.make("thead", {}, ui.make("tr", {}, ui.make("th", { scope: "col", class: "key" }, term("key", "key")), ...cells));
}

const css = (column) => [ROLE[column.name] ?? "", WIDE.has(column.name) ? "wide" : ""].join(" ").trim();

/** One line of the table; `head` is what names it. */
function line(state, { kind, texts, share, closed }, ...head) {
  const cells = state.given.columns.flatMap((column, i) => {
    const cell = ui.make("td", { class: css(column) }, texts[i] ?? "");
    return column.name === "weight" ? [cell, kind === "key" ? bar(share) : ui.make("td", { class: "bar" })] : [cell];
  });
  const name = ui.make("th", { scope: "row", class: "key", ...(kind === "key" ? { dir: "auto" } : {}) }, ...head);
  return ui.make("tr", { class: kind === "key" ? (closed ? "closed" : "") : kind }, name, ...cells);
}

function keyLine(state, own) {
  const row = line(state, own, ...ui.named(state.given.keys, own.key));
  row.dataset.key = own.key;
  row.addEventListener("pointerenter", () => state.store.say("hover", { query: null, key: own.key, from: "arithmetic" }));
  return row;
}

function bar(share) {
  const filled = ui.make("span");
  filled.style.width = `${Math.max(share > 0 ? 1 : 0, 100 * share)}%`;
  return ui.make("td", { class: "bar", "aria-hidden": "true" }, filled);
}

/** The line of the keys that are not listed has the button that lists them. */
function othersLine(state, own) {
  state.more.textContent = state.open ? `hide ${own.count}` : own.name;
  state.more.setAttribute("aria-expanded", String(state.open));
  return line(state, own, state.more);
}

function fill(state) {
  const make = { key: keyLine, others: othersLine };
  const rows = linesOf(state.given, state.shown.head, state.open).map((own) => (make[own.kind] ? make[own.kind](state, own) : line(state, own, term(TERM[own.kind], own.name))));
  if (!state.open) rows.push(...blanks(state, roomFor(state.given) - rows.length));
  const body = ui.make("tbody", {}, ...rows);
  const head = headerOf(state);
  // Taken out and put in again, it would lose the focus.
  if (state.table.firstChild === head && state.table.children.length === 2) state.table.lastChild.replaceWith(body);
  else state.table.replaceChildren(head, body);
}

/** Empty lines, so that every row takes as many, and nothing below moves while the pointer does. */
function blanks(state, count) {
  return Array.from({ length: Math.max(0, count) }, () => {
    const blank = line(state, { kind: "blank", texts: [] }, "\u00a0");
    blank.setAttribute("aria-hidden", "true");
    return blank;
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

/** The rows on show, from the store. */
function write(state) {
  const { run, head, look } = state.shown;
  const one = state.hovered ?? null;
  const rows = one === null ? pinsOf(look) : [one];
  const isAway = !isHere(head, rows);
  entitle(state, rows, isAway, ui.namesOf(run.tokens.queries));
  if (isAway) {
    state.table.replaceChildren();
    state.mixture.hidden = true;
    return;
  }
  state.given = givenOf(state.shown, rows, layerOf(run, head.layer)?.titles ?? {});
  fill(state);
  mixtureOf(state);
}

/** The name of the rows, its first words as a term; a token that stands more than once has its place after it. */
function entitle({ shown, named, rest }, rows, isAway, queries) {
  named.hidden = isAway;
  if (isAway) {
    rest.textContent = AWAY;
    return;
  }
  const [, first, others] = /^(The \w+)(.*)$/su.exec(titleOf(shown, rows));
  if (named.textContent !== first) named.textContent = first;
  explained(named, rows.length === 1 ? "arithmetic" : "together");
  rest.replaceChildren(others, ...(rows.length === 1 ? ui.named(queries, rows[0]).slice(1) : []), changeOf(shown, rows));
}

/** The weighted sum of the value vectors, for the first dimensions. */
function mixtureOf(state) {
  const { mixture: made, keys } = state.given;
  state.mixture.hidden = !made;
  if (!made) return;
  const number = (value) => ui.number(value, 3);
  const name = ({ key }) => ui.make("bdi", {}, ...ui.named(keys, key));
  const { terms, hasMore, vector } = outputOf(made);
  const sum = terms.flatMap(({ weight, key }, i) => [`${i ? " + " : " = "}${weight}·v(`, name({ key }), ")"]);
  // A summary is a control, so what it names is not another one within it.
  const summary = ui.make("summary", { "data-term": "output" }, explained(ui.make("b", {}, "output"), "output"), ...sum, `${hasMore ? " + …" : ""} = ${vector}`);
  state.mixture.replaceChildren(summary, ui.make("div", { class: "scroll" }, mixtureTable(made, number, name)));
}

function mixtureTable(made, number, name) {
  const count = made.output.length;
  const hidden = made.width - count;
  const top = ui.make("tr", {}, ui.make("th", { scope: "col", class: "key" }, term("mixture", "weight × value")),
    ...Array.from({ length: count }, (_, i) => ui.make("th", { scope: "col" }, `dim ${i}`)),
    ...(hidden > 0 ? [ui.make("th", { scope: "col", class: "rest" }, `and ${hidden} more of ${made.width}`)] : []));
  const row = (title, values, kind) => ui.make("tr", { class: kind }, ui.make("th", { scope: "row", class: "key" }, ...title),
    ...[...values].map((value) => ui.make("td", {}, number(value))), ...(hidden > 0 ? [ui.make("td", { class: "rest" }, "…")] : []));
  const rows = made.terms.map((one) => row([`${ui.decimals(one.weight, 3)} × v(`, name(one), ")"], one.vector, ""));
  if (made.others) rows.push(row([othersOf(made.others)], made.rest, "others"));
  rows.push(row(["output"], made.output, "total"));
  return ui.make("table", {}, ui.make("thead", {}, top), ui.make("tbody", {}, ...rows));
}

/** Listen until the component is taken down; it may come back. */
function connect(state) {
  return [state.store.listen("shown", (shown) => show(state, shown)), state.store.listen("hover", (at) => mark(state, at))];
}

export default function ({ store, parentElement }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  if (state.stops && state.shown) show(state, state.shown);
  state.stops ??= connect(state);
  return () => {
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
