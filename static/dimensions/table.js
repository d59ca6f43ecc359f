/** The products of the chosen pair as a table. */
const version = new URL(import.meta.url).search;
const [{ ui }, { isPaired }, { angle, nameOf }] = await Promise.all(["../headlight", "./options", "./words"].map((name) => import(`${name}.js${version}`)));

/** {root, table}. */
export function tableBox() {
  const table = ui.make("table");
  return { table, root: ui.make("div", { class: "table", tabIndex: 0, role: "region", "aria-label": "The products as a table" }, table) };
}

/** [title, cell(unit), class, sum] of each column. */
function columnsOf(state) {
  const paired = isPaired(state);
  const { sum, before } = state.made;
  const fine = (value) => ui.number(value, 4);
  const columns = [
    [paired ? "dimensions" : "dimension", ({ dims }) => dims.join(" and "), ""],
    [paired ? "‖q‖" : "q", ({ q }) => fine(q), "query"], [paired ? "‖k‖" : "k", ({ k }) => fine(k), "key"],
  ];
  if (paired) columns.push(["angle", ({ cos }) => angle(cos), ""]);
  columns.push(["q·k", ({ product }) => fine(product), "", sum]);
  if (before !== null) columns.push(["angle before turning", ({ beforeCos }) => angle(beforeCos), ""], ["q·k before turning", (one) => fine(one.before), "", before]);
  return columns;
}

/** Of the chosen pair alone: a pair under the pointer is gone before a table is read. */
export function fillTable(state, pair) {
  const { options, table: { root, table } } = state;
  root.hidden = !options.table;
  if (!options.table) return;
  const columns = columnsOf(state);
  const line = (first, ...others) => ui.make("tr", {}, ui.make("th", { scope: "row" }, first), ...others.map((text) => ui.make("td", {}, text)));
  const head = ui.make("tr", {}, ...columns.map(([title, , kind]) => ui.make("th", { scope: "col", class: kind }, title)));
  const lines = state.made.order.map((one) => line(...columns.map(([, cell]) => cell(one))));
  const sums = line("sum", ...columns.slice(1).map(([, , , sum]) => (sum === undefined ? "" : ui.number(sum, 5))));
  const caption = ui.make("caption", {}, nameOf(state, "query", pair.query), " · ", nameOf(state, "key", pair.key));
  table.replaceChildren(caption, ui.make("thead", {}, head), ui.make("tbody", {}, ...lines), ui.make("tfoot", {}, sums));
}
