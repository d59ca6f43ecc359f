/** The products of the chosen pair as a table. */
const version = new URL(import.meta.url).search;
const [{ ui }, { term }, { isPaired }, { angle, nameOf }] = await Promise.all(["../headlight", "../terms", "./options", "./words"].map((name) => import(`${name}.js${version}`)));

/** {root, table}. */
export function tableBox() {
  const table = ui.make("table");
  return { table, root: ui.make("div", { class: "table", tabIndex: 0, role: "region", "aria-label": "The products as a table" }, table) };
}

/** [title, term, cell(unit), class, sum] of each column. */
function columnsOf(state) {
  const paired = isPaired(state);
  const { sum, before } = state.made;
  const fine = (value) => ui.number(value, 4);
  const columns = [
    [paired ? "dimensions" : "dimension", "dimension", ({ dims }) => dims.join(" and "), ""],
    ...(paired ? [["‖q‖", "query.length", ({ q }) => fine(q), "query"], ["‖k‖", "key.length", ({ k }) => fine(k), "key"]]
      : [["q", "query.number", ({ q }) => fine(q), "query"], ["k", "key.number", ({ k }) => fine(k), "key"]]),
  ];
  if (paired) columns.push(["angle", "angle", ({ cos }) => angle(cos), ""]);
  columns.push(["q·k", "product", ({ product }) => fine(product), "", sum]);
  if (before !== null) columns.push(["angle before turning", "angle.before", ({ beforeCos }) => angle(beforeCos), ""], ["q·k before turning", "product.before", (one) => fine(one.before), "", before]);
  return columns;
}

/** Of the chosen pair alone: a pair under the pointer is gone before a table is read. */
export function fillTable(state, pair) {
  const { options, table: { root, table } } = state;
  root.hidden = !options.table;
  if (!options.table) return;
  const columns = columnsOf(state);
  const line = (first, ...others) => ui.make("tr", {}, ui.make("th", { scope: "row" }, first), ...others.map((text) => ui.make("td", {}, text)));
  const head = ui.make("tr", {}, ...columns.map(([title, key, , kind]) => ui.make("th", { scope: "col", class: kind }, term(key, title))));
  const lines = state.made.order.map((one) => line(...columns.map(([, , cell]) => cell(one))));
  const sums = line("sum", ...columns.slice(1).map(([, , , , sum]) => (sum === undefined ? "" : ui.number(sum, 5))));
  const caption = ui.make("caption", {}, nameOf(state, "query", pair.query), " · ", nameOf(state, "key", pair.key));
  table.replaceChildren(caption, ui.make("thead", {}, head), ui.make("tbody", {}, ...lines), ui.make("tfoot", {}, sums));
}
