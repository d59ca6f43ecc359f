/**
 * A table of signed numbers that is a picture, too: rows down, columns across, a colour and a sign in each cell. Pointing
 * and the arrow keys speak of a cell, a click or Enter chooses it. The numbers are the table's own text, so that nobody
 * needs to see its colours.
 */
const version = new URL(import.meta.url).search;
const [{ ui }, { colourOf, short }] = await Promise.all(["../headlight", "./scale"].map((name) => import(`${name}.js${version}`)));

// Cells at least so wide have their number in them; narrower ones their sign.
const WRITTEN = 44;
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -Infinity], End: [0, Infinity] };

/** {root, fill, mark}. heard: {point(cell), leave(), choose(cell)}; a cell is {row, column}. */
export function gridOf(heard) {
  const table = ui.make("table", { role: "grid" });
  const root = ui.make("div", { class: "signed" }, table);
  const grid = { root, table, cells: [], shape: "", at: { row: 0, column: 0 }, spec: null, heard };
  table.addEventListener("pointermove", (event) => event.pointerType !== "touch" && over(grid, event.target));
  table.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && leave(grid));
  table.addEventListener("click", (event) => press(grid, event.target));
  table.addEventListener("keydown", (event) => key(grid, event));
  table.addEventListener("focusin", (event) => over(grid, event.target));
  table.addEventListener("focusout", () => leave(grid));
  new ResizeObserver(() => grid.spec && measure(grid)).observe(root);
  return Object.assign(grid, { fill: (spec) => fill(grid, spec), mark: (...marks) => mark(grid, ...marks) });
}

const placeOf = (grid, target) => {
  const cell = target.closest?.("td");
  return cell?.place && grid.cells[cell.place.row]?.[cell.place.column] === cell ? cell.place : null;
};

function over(grid, target) {
  const place = placeOf(grid, target);
  if (!place) return leave(grid);
  if (grid.over?.row === place.row && grid.over.column === place.column) return;
  grid.over = place;
  grid.heard.point(place);
}

function leave(grid) {
  if (!grid.over) return;
  grid.over = null;
  grid.heard.leave();
}

function press(grid, target) {
  const place = placeOf(grid, target);
  if (!place) return;
  rove(grid, place);
  over(grid, target);
  grid.heard.choose(place);
}

function key(grid, event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const place = placeOf(grid, event.target);
  const by = STEPS[event.key];
  if (!place || !(by || event.key === "Enter" || event.key === " ")) return;
  event.preventDefault();
  event.stopPropagation();
  if (!by) return grid.heard.choose(place);
  const row = Math.max(0, Math.min(grid.cells.length - 1, place.row + by[0]));
  const column = Math.max(0, Math.min(grid.cells[row].length - 1, place.column + by[1]));
  rove(grid, { row, column });
  grid.cells[row][column].focus();
}

/** Of all cells one can be reached by Tab. */
function rove(grid, place) {
  const before = grid.cells[grid.at.row]?.[grid.at.column];
  if (before) before.tabIndex = -1;
  grid.at = place;
  const cell = grid.cells[place.row]?.[place.column];
  if (cell) cell.tabIndex = 0;
}

/**
 * Fill the table. spec: {label, corner, rows, columns: names, counts: cells a row, at(row, column): {value, share, words,
 * estimated, beyond}, palette, here: {row, column} or null}. The same cells stay the same elements, for one may have the focus.
 */
function fill(grid, spec) {
  grid.spec = spec;
  const shape = JSON.stringify([spec.rows, spec.columns, spec.counts]);
  if (grid.shape !== shape) build(grid, spec, shape);
  grid.table.setAttribute("aria-label", spec.label);
  grid.cells.forEach((cells, row) => cells.forEach((cell, column) => paint(cell, spec.at(row, column), spec.palette)));
  measure(grid);
  mark(grid, spec.here ?? null);
}

function build(grid, { rows, columns, counts, corner }, shape) {
  const head = (name) => ui.make("th", { role: "columnheader" }, name);
  grid.shape = shape;
  grid.cells = rows.map((_, row) => Array.from({ length: counts?.[row] ?? columns.length }, (__, column) => {
    const cell = ui.make("td", { tabIndex: -1 }, ui.make("span", { "aria-hidden": "true" }));
    cell.place = { row, column };
    return cell;
  }));
  const top = ui.make("tr", {}, ui.make("td", { class: "corner" }, corner ?? ""), ...columns.map(head));
  grid.table.replaceChildren(ui.make("thead", {}, top),
    ui.make("tbody", {}, ...rows.map((name, row) => ui.make("tr", {}, ui.make("th", { scope: "row" }, name), ...grid.cells[row]))));
  rove(grid, { row: Math.min(grid.at.row, rows.length - 1), column: 0 });
}

function paint(cell, { value, share, words, estimated = false, beyond = false }, palette) {
  cell.setAttribute("aria-label", words);
  const known = Number.isFinite(value);
  cell.className = [known ? "" : "none", known && estimated ? "estimated" : "", known && beyond ? "beyond" : ""].join(" ").trim();
  const text = cell.firstChild;
  text.textContent = known ? short(value) : "";
  text.dataset.sign = !known || short(value) === "0" ? "" : value < 0 ? "−" : "+";
  if (!known) {
    cell.style.background = cell.style.color = "";
    return;
  }
  const rgb = colourOf(palette, share);
  Object.assign(cell.style, { backgroundColor: ui.css(rgb), color: ui.inkOn(rgb, palette) });
}

function measure(grid) {
  const { spec, root } = grid;
  const room = root.clientWidth / (spec.columns.length + 1);
  root.classList.toggle("written", room >= WRITTEN);
}

/** Outline the cell of what is on show, and of what is pointed at elsewhere. */
function mark(grid, here, pointed = null) {
  for (const [name, place] of [["here", here], ["pointed", pointed]]) {
    grid[name]?.classList.remove(name);
    grid[name] = place && grid.cells[place.row]?.[place.column];
    grid[name]?.classList.add(name);
  }
  grid.table.querySelector("[aria-current]")?.removeAttribute("aria-current");
  grid.here?.setAttribute("aria-current", "true");
}
